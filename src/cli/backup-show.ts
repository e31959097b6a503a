import { backupDetails } from './columns.ts';
import type { AddCommand } from './context.ts';
import { printItem } from './print.ts';

export const backupShow: AddCommand = (parent, context) => {
  parent
    .command('show')
    .description('show one backup')
    .argument('<backup>', 'id or name')
    .action(async (name: string, _options, command) => {
      const client = await context.connect(command);
      printItem(context, command, backupDetails, await client.backups.find(name));
    });
};
