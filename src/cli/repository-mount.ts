import type { AddCommand } from './context.ts';
import { addStoreFlags, parseMib, type StoreFlags } from './store-flags.ts';
import { untilTold } from './until-told.ts';

interface Flags extends StoreFlags {
  readonly socket?: string;
  readonly port?: string;
  readonly cache: number;
}

export const repositoryMount: AddCommand = (parent, context) => {
  addStoreFlags(parent.command('mount'))
    .description('serve a backup as a read-only disk over NBD, without a server, until Ctrl-C')
    .argument('<backup>', 'id or name')
    .option('--socket <PATH>', 'on this unix socket')
    .option('--port <NUMBER>', 'on this port of 127.0.0.1; 0, the default, takes a free one')
    .option('--cache <MIB>', 'memory for what was read', parseMib, 64)
    .action(async (name: string, flags: Flags) => {
      const { withRepository, findBackup } = await import('./bare-repository.ts');
      const { serveBackup } = await import('./serve-backup.ts');
      await withRepository(flags, async (repository) => {
        const manifest = await findBackup(repository, name);
        const server = await serveBackup(repository, manifest, flags);
        context.stdout.write(`${server.uri}\n`);
        await untilTold();
        await server.close();
      });
    });
};
