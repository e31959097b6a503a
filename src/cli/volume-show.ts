import { volumeDetails } from './columns.ts';
import type { AddCommand } from './context.ts';
import { printItem } from './print.ts';

export const volumeShow: AddCommand = (parent, context) => {
  parent
    .command('show')
    .description('show one volume')
    .argument('<volume>', 'id or name')
    .action(async (name: string, _options, command) => {
      const client = await context.connect(command);
      printItem(context, command, volumeDetails, await client.volumes.find(name));
    });
};
