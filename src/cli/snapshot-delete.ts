import { waitForDeletion } from '../client/wait.ts';
import type { AddCommand } from './context.ts';

export const snapshotDelete: AddCommand = (parent, context) => {
  parent
    .command('delete')
    .description('delete snapshots, by id or name, and wait until they are gone')
    .argument('<snapshot...>')
    .action(async (names: string[], _options, command) => {
      const client = await context.connect(command);
      for (const name of names) {
        const { id } = await client.snapshots.find(name);
        await client.snapshots.delete(id);
        await waitForDeletion({
          look: () => client.snapshots.show(id),
          what: `snapshot ${name}`,
        });
      }
    });
};
