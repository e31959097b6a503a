import { hostname } from 'node:os';
import type { AddCommand } from './context.ts';
import { untilTold } from './until-told.ts';

export const backupMount: AddCommand = (parent, context) => {
  parent
    .command('mount')
    .description('serve a backup as a read-only disk over NBD, without restoring it, until Ctrl-C')
    .argument('<backup>', 'id or name')
    .action(async (name: string, _options, command) => {
      const client = await context.connect(command);
      const { id } = await client.backups.find(name);
      const made = await client.exportBackup(id, hostname());
      try {
        const uris = [made.uri, made.unix_uri].filter((uri) => uri !== undefined);
        context.stdout.write(`${uris.join('\n')}\n`);
        await untilTold();
      } finally {
        await client.endBackupExport(made);
      }
    });
};
