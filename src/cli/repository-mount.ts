import { InvalidArgumentError } from 'commander';
import type { AddCommand } from './context.ts';
import { addRepositoryOptions } from './repository-place.ts';
import { untilTold } from './until-told.ts';

interface Flags {
  readonly socket?: string;
  readonly port?: string;
  readonly cache: number;
}

export const repositoryMount: AddCommand = (parent, context) => {
  addRepositoryOptions(parent.command('mount'))
    .description('serve a backup as a read-only disk over NBD, without a server, until Ctrl-C')
    .argument('<backup>', 'id or name')
    .option('--socket <PATH>', 'on this unix socket')
    .option('--port <NUMBER>', 'on this port of 127.0.0.1; 0, the default, takes a free one')
    .option('--cache <MIB>', 'memory for what was read', parseMib, 64)
    .action(async (name: string, flags: Flags, command) => {
      const { withRepository, findBackup } = await import('./bare-repository.ts');
      const { serveBackup } = await import('./serve-backup.ts');
      await withRepository(context, command, async (repository) => {
        const manifest = await findBackup(repository, name);
        const server = await serveBackup(repository, manifest, flags);
        context.stdout.write(`${server.uri}\n`);
        await untilTold();
        await server.close();
      });
    });
};

/** A whole number of MiB, at least 1. */
function parseMib(text: string): number {
  if (/^[1-9][0-9]{0,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number of MiB, at least 1.');
}
