import type { Adopted } from '../client/firn-schema.ts';
import type { AddCommand } from './context.ts';
import { printItem } from './print.ts';
import type { Columns } from './print.ts';

const columns: Columns<Adopted> = {
  adopted: (result) => result.adopted.length,
  'of another installation': (result) => result.shared,
  'there already': (result) => result.known,
  damaged: (result) => result.damaged.map(({ id, reason }) => `${id} (${reason})`).join(', '),
};

export const repositoryAdopt: AddCommand = (parent, context) => {
  parent
    .command('adopt')
    .description('put the backups that the store holds into the catalogue, where they are missing')
    .option('--container <name>', 'of this repository only')
    .option('--take-over', 'the installations that made them are gone for good')
    .action(async (options: { container?: string; takeOver?: boolean }, command) => {
      const client = await context.connect(command);
      printItem(context, command, columns, await client.adopt(options));
    });
};
