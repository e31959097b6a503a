import { snapshotDetails } from './columns.ts';
import type { AddCommand } from './context.ts';
import { printItem } from './print.ts';

export const snapshotShow: AddCommand = (parent, context) => {
  parent
    .command('show')
    .description('show one snapshot, what it takes up, and how often it is exported')
    .argument('<snapshot>', 'id or name')
    .action(async (name: string, _options, command) => {
      const client = await context.connect(command);
      const snapshot = await client.snapshots.find(name);
      const [usage, exports] = await Promise.all([
        client.usage('snapshots', snapshot.id),
        client.snapshotExports(snapshot.id),
      ]);
      printItem(context, command, snapshotDetails, { ...snapshot, usage, exports });
    });
};
