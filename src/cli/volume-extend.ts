import { waitForStatus } from '../client/wait.ts';
import { volumeDetails } from './columns.ts';
import type { AddCommand } from './context.ts';
import { parseGib } from './options.ts';
import { printItem } from './print.ts';

export const volumeExtend: AddCommand = (parent, context) => {
  parent
    .command('extend')
    .description('let a volume grow, attached or not')
    .argument('<volume>', 'id or name')
    .requiredOption('--size <GiB>', 'from now on', parseGib)
    .action(async (name: string, options: { size: number }, command) => {
      const client = await context.connect(command);
      const { id, status } = await client.volumes.find(name);
      await client.extend(id, options.size);
      const volume = await waitForStatus({
        look: () => client.volumes.show(id),
        until: status,
        what: `volume ${name}`,
      });
      printItem(context, command, volumeDetails, volume);
    });
};
