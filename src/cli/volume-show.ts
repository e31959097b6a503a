import { volumeWhole } from './columns.ts';
import type { AddCommand } from './context.ts';
import { printItem } from './print.ts';

export const volumeShow: AddCommand = (parent, context) => {
  parent
    .command('show')
    .description('show one volume, what it takes up, and who uses it just now')
    .argument('<volume>', 'id or name')
    .action(async (name: string, _options, command) => {
      const client = await context.connect(command);
      const volume = await client.volumes.find(name);
      const [usage, connections, hydration] = await Promise.all([
        client.usage('volumes', volume.id),
        client.connections(volume.id),
        client.hydration(volume.id),
      ]);
      printItem(context, command, volumeWhole, { ...volume, usage, connections, hydration });
    });
};
