import type { AddCommand } from './context.ts';

export const backupUnmount: AddCommand = (parent, context) => {
  parent
    .command('unmount')
    .description('end every export of a backup; the NBD URIs are void from then on')
    .argument('<backup>', 'id or name')
    .action(async (name: string, _options, command) => {
      const client = await context.connect(command);
      const { id } = await client.backups.find(name);
      const exports = await client.backupExports(id);
      for (const each of exports) await client.endBackupExport(each);
      context.stdout.write(`${exports.length} exports of ${name} have ended\n`);
    });
};
