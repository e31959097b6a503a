import { backupColumns } from './columns.ts';
import type { AddCommand } from './context.ts';
import { printList } from './print.ts';

export const backupList: AddCommand = (parent, context) => {
  parent
    .command('list')
    .description('list the backups of the project')
    .action(async (_options, command) => {
      const client = await context.connect(command);
      const backups = await Array.fromAsync(client.backups.list());
      printList(context, command, backupColumns, backups);
    });
};
