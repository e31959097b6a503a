import { OperatingError } from '../base/errors.ts';
import type { StoreFinding } from '../store/check-store.ts';
import type { AddCommand } from './context.ts';
import { type Columns, printList } from './print.ts';

const columns: Columns<StoreFinding> = {
  promise: (finding) => finding.check,
  kept: (finding) => (finding.problem === undefined ? 'yes' : 'no'),
  note: (finding) => finding.problem ?? finding.note,
};

export const storeCheck: AddCommand = (parent, context) => {
  parent
    .command('check')
    .description('try on a store what Firn relies on, and how fast it is; exit code 1 if it fails')
    .argument('<url>', 'such as file:///srv/backups, s3://BUCKET or swift://?cloud=NAME')
    .option('--container <name>', 'where to try it; made where it is missing', 'firn-check')
    .action(async (url: string, { container }: { container: string }, command) => {
      const { openStoreRoot } = await import('../store/open-root.ts');
      const { checkStore } = await import('../store/check-store.ts');
      const root = openStoreRoot(url);
      const found: StoreFinding[] = [];
      try {
        root.checkContainer(container);
        const store = await root.open(container, { create: true });
        for await (const finding of checkStore(store)) found.push(finding);
        await store.close();
      } finally {
        await root.close();
      }
      printList(context, command, columns, found);
      const broken = found.filter(({ problem }) => problem !== undefined);
      if (broken.length === 0) return;
      throw new OperatingError('io', `${broken.length} of ${found.length} promises are not kept`);
    });
};
