import { formatBytes } from '../base/bytes.ts';
import type { PruneForecast } from '../client/firn-schema.ts';
import type { AddCommand } from './context.ts';
import { type Columns, printList } from './print.ts';

interface Shown extends PruneForecast {
  readonly container: string;
}

const columns: Columns<Shown> = {
  container: ({ container }) => container,
  stored: (shown) => formatBytes(shown.bytes_total),
  'gives back': (shown) => formatBytes(shown.bytes_freed),
  'and later': (shown) => formatBytes(shown.bytes_deferred),
  'packs removed': (shown) => shown.packs_removed,
  'packs rewritten': (shown) => shown.packs_rewritten,
};

export const repositoryPrune: AddCommand = (parent, context) => {
  parent
    .command('prune')
    .description('give back what no backup refers to; Firn does so itself after deletions')
    .option('--container <NAME>', 'this repository only')
    .option('--dry-run', 'only say what would be given back')
    .action(async (options: { container?: string; dryRun?: boolean }, command) => {
      const client = await context.connect(command);
      const { container: named } = options;
      const all = (await client.repositories()).filter((one) => one.backup_count > 0);
      const containers = named === undefined ? all.map(({ container }) => container) : [named];
      const shown: Shown[] = [];
      for (const container of containers) {
        shown.push({ container, ...(await client.forecastPrune(container)) });
      }
      printList(context, command, columns, shown);
      if (options.dryRun === true) return;
      for (const { container } of shown) await client.prune(container);
    });
};
