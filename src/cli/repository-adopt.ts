import type { Adopted } from '../client/firn-schema.ts';
import type { AddCommand } from './context.ts';
import { printItem } from './print.ts';
import type { Columns } from './print.ts';

interface Options {
  readonly container?: string;
  readonly takeOver?: boolean;
  readonly force?: boolean;
}

const columns: Columns<Adopted> = {
  adopted: (result) => result.adopted.length,
  'of another installation': (result) => result.shared,
  'there already': (result) => result.known,
  damaged: (result) => result.damaged.map(({ id, reason }) => `${id} (${reason})`).join(', '),
};

const sharedHint =
  'What another installation made stays in the store for its sake, also when it is deleted here. ' +
  'If that installation is gone for good, say so: firn repository adopt --take-over\n';

export const repositoryAdopt: AddCommand = (parent, context) => {
  parent
    .command('adopt')
    .description('put the backups that the store holds into the catalogue, where they are missing')
    .option('--container <name>', 'of this repository only')
    .option('--take-over', 'the installations that made them are gone for good')
    .option('--force', 'take over although another process is at work in the store')
    .action(async (options: Options, command) => {
      const client = await context.connect(command);
      const found = await client.adopt(options);
      printItem(context, command, columns, found);
      if (found.shared > 0) context.stderr.write(sharedHint);
    });
};
