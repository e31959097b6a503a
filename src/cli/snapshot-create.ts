import { waitForStatus } from '../client/wait.ts';
import { snapshotColumns } from './columns.ts';
import type { AddCommand } from './context.ts';
import { printItem } from './print.ts';

export const snapshotCreate: AddCommand = (parent, context) => {
  parent
    .command('create')
    .description('take a snapshot of a volume, attached or not')
    .argument('<name>')
    .requiredOption('--volume <volume>', 'id or name')
    .option('--description <text>')
    .action(async (name: string, options: { volume: string; description?: string }, command) => {
      const client = await context.connect(command);
      const { id: volumeId } = await client.volumes.find(options.volume);
      const id = await client.snapshots.create({
        name,
        volume_id: volumeId,
        ...(options.description === undefined ? {} : { description: options.description }),
      });
      const snapshot = await waitForStatus({
        look: () => client.snapshots.show(id),
        until: 'available',
        what: `snapshot ${name}`,
      });
      printItem(context, command, snapshotColumns, snapshot);
    });
};
