import { waitForDeletion } from '../client/wait.ts';
import type { AddCommand } from './context.ts';

export const volumeDelete: AddCommand = (parent, context) => {
  parent
    .command('delete')
    .description('delete volumes, by id or name, and wait until they are gone')
    .argument('<volume...>')
    .action(async (names: string[], _options, command) => {
      const client = await context.connect(command);
      for (const name of names) {
        const { id } = await client.volumes.find(name);
        await client.volumes.delete(id);
        await waitForDeletion({
          look: () => client.volumes.show(id),
          what: `volume ${name}`,
        });
      }
    });
};
