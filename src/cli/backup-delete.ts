import { waitForDeletion } from '../client/wait.ts';
import type { AddCommand } from './context.ts';

export const backupDelete: AddCommand = (parent, context) => {
  parent
    .command('delete')
    .description('delete backups, by id or name, and wait until they are gone')
    .argument('<backup...>')
    .action(async (names: string[], _options, command) => {
      const client = await context.connect(command);
      for (const name of names) {
        const { id } = await client.backups.find(name);
        await client.backups.delete(id);
        await waitForDeletion({
          look: () => client.backups.show(id),
          what: `backup ${name}`,
        });
      }
    });
};
