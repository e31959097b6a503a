import { snapshotColumns } from './columns.ts';
import type { AddCommand } from './context.ts';
import { printList } from './print.ts';

export const snapshotList: AddCommand = (parent, context) => {
  parent
    .command('list')
    .description('list the snapshots of the project')
    .action(async (_options, command) => {
      const client = await context.connect(command);
      const snapshots = await Array.fromAsync(client.snapshots.list());
      printList(context, command, snapshotColumns, snapshots);
    });
};
