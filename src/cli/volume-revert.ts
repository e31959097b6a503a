import { waitForStatus } from '../client/wait.ts';
import { volumeDetails } from './columns.ts';
import type { AddCommand } from './context.ts';
import { printItem } from './print.ts';

export const volumeRevert: AddCommand = (parent, context) => {
  parent
    .command('revert')
    .description('make a volume what its newest snapshot holds; what was written since is lost')
    .argument('<volume>', 'id or name')
    .argument('<snapshot>', 'id or name; the newest of the volume')
    .action(async (name: string, snapshotName: string, _options, command) => {
      const client = await context.connect(command);
      const { id } = await client.volumes.find(name);
      const snapshot = await client.snapshots.find(snapshotName);
      await client.revert(id, snapshot.id);
      const volume = await waitForStatus({
        look: () => client.volumes.show(id),
        until: 'available',
        what: `volume ${name}`,
      });
      printItem(context, command, volumeDetails, volume);
    });
};
