import type { Command } from 'commander';
import { OperatingError } from '../base/errors.ts';
import type { Imported } from '../cinder/import-backups.ts';
import type { Repository } from '../repository/repository.ts';
import type { AddCommand, Context } from './context.ts';
import { addPlaceOptions, repositoryPlace } from './repository-place.ts';
import { printJson, wantsJson } from './print.ts';

interface Flags {
  readonly container: string;
}

export const repositoryImportCinder: AddCommand = (parent, context) => {
  addPlaceOptions(parent.command('import-cinder'))
    .description("take over what Cinder's chunked backup drivers wrote, without a server")
    .argument('<source>', 'file:///FOLDER, s3://BUCKET?endpoint=URL or swift://CONTAINER')
    .option('--container <name>', 'a container for imported backups alone', 'cinder')
    .action(async (source: string, flags: Flags, command) => {
      const { importCinderBackups } = await import('../cinder/import-backups.ts');
      const { openBucket } = await import('../store/open-bucket.ts');
      const bucket = await openBucket(source);
      const repository = await openForImport(context, command, flags);
      const results: Imported[] = [];
      try {
        for await (const result of importCinderBackups(bucket, repository)) {
          results.push(result);
          if (!wantsJson(command)) context.stdout.write(lineOf(result));
        }
      } finally {
        await repository.close();
        await bucket.close();
      }
      if (wantsJson(command)) printJson(context.stdout, results.map(itemOf));
      finish(context, flags, results);
    });
};

/** Makes container and repository where they are missing. */
async function openForImport(
  context: Context,
  command: Command,
  { container }: Flags,
): Promise<Repository> {
  const { createRepository, openRepository } = await import('../repository/repository.ts');
  const { readKey } = await import('../server/key-file.ts');
  const { config, root } = await repositoryPlace(context, command);
  const given = await readKey(config.keyPath, context.environment, { create: false });
  const { key: wrappingKey } = given;
  root.checkContainer(container);
  const store = await root.open(container, { create: true });
  if ((await store.sizeOf('repository.json')) === undefined) {
    await createRepository(store, { wrappingKey });
  }
  const repository = await openRepository(store, { wrappingKey });
  for await (const found of repository.listBackups()) {
    if ('error' in found || found.layerId === 'cinder') continue;
    await repository.close();
    throw new OperatingError(
      'invalid_state',
      `the container ${container} holds backups that Firn made, and a running Firn may write to ` +
        'it: choose another with --container',
    );
  }
  return repository;
}

function lineOf(result: Imported): string {
  if (result.kind === 'failed') return `failed    ${result.error.message}\n`;
  const { backupId, name, volume } = result.backup;
  const word = result.kind === 'imported' ? 'imported ' : 'was there';
  return `${word} ${backupId} ${name ?? '-'} of ${volume.name ?? volume.volumeId}\n`;
}

function itemOf(result: Imported): object {
  const { kind } = result;
  if (kind === 'failed') return { kind, what: result.what, reason: result.error.message };
  return { kind, id: result.backup.backupId, name: result.backup.name };
}

function finish({ stderr }: Context, { container }: Flags, results: readonly Imported[]): void {
  const failed = results.filter(({ kind }) => kind === 'failed').length;
  const taken = results.length - failed;
  if (taken > 0) {
    stderr.write(`${taken} backups are there; "firn repository adopt" puts them on the list:\n`);
    stderr.write(`  firn repository adopt --container ${container}\n`);
  }
  if (failed > 0) throw new OperatingError('corrupt', `${failed} could not be taken over`);
  if (taken === 0) throw new OperatingError('not_found', 'there are no backups of Cinder');
}
