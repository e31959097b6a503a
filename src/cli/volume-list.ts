import { volumeColumns } from './columns.ts';
import type { AddCommand } from './context.ts';
import { printList } from './print.ts';

export const volumeList: AddCommand = (parent, context) => {
  parent
    .command('list')
    .description('list the volumes of the project')
    .action(async (_options, command) => {
      const client = await context.connect(command);
      const volumes = await Array.fromAsync(client.volumes.list());
      printList(context, command, volumeColumns, volumes);
    });
};
