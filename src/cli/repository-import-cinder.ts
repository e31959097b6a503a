import type { Command } from 'commander';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import type { Imported } from '../cinder/import-backups.ts';
import type { Repository } from '../repository/repository.ts';
import type { Bucket } from '../store/open-bucket.ts';
import type { Store, StoreRoot } from '../store/store.ts';
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
      const { openBucket } = await import('../store/open-bucket.ts');
      const bucket = await openBucket(source);
      let results: Imported[];
      try {
        results = await importAll(context, command, { bucket, flags });
      } finally {
        await bucket.close();
      }
      if (wantsJson(command)) printJson(context.stdout, results.map(itemOf));
      finish(context, flags, results);
    });
};

async function importAll(
  context: Context,
  command: Command,
  { bucket, flags }: { bucket: Bucket; flags: Flags },
): Promise<Imported[]> {
  const cinder = await import('../cinder/import-backups.ts');
  const found = await cinder.findCinderBackups(bucket);
  const check = (): void => cinder.throwIfNothingWhole(found);
  if (found.backups.size + found.unreadable.length === 0) check();
  const repository = await openForImport(context, command, { ...flags, checkNew: check });
  const results: Imported[] = [];
  try {
    for await (const result of cinder.importCinderBackups(found, repository)) {
      results.push(result);
      if (!wantsJson(command)) context.stdout.write(lineOf(result));
    }
  } finally {
    await repository.close();
  }
  return results;
}

/** Makes container and repository where they are missing, after `checkNew`, which may throw. */
async function openForImport(
  context: Context,
  command: Command,
  { container, checkNew }: Flags & { checkNew: () => void },
): Promise<Repository> {
  const { createRepository, openRepository } = await import('../repository/repository.ts');
  const { readKey } = await import('../server/key-file.ts');
  const { config, root } = await repositoryPlace(context, command);
  const given = await readKey(config.keyPath, context.environment, { create: false });
  const { key: wrappingKey } = given;
  root.checkContainer(container);
  if (!(await holdsRepository(root, container))) checkNew();
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

async function holdsRepository(root: StoreRoot, container: string): Promise<boolean> {
  let store: Store;
  try {
    store = await root.open(container, { create: false });
  } catch (error) {
    if (isOperatingError(error, 'not_found')) return false;
    throw error;
  }
  try {
    return (await store.sizeOf('repository.json')) !== undefined;
  } finally {
    await store.close();
  }
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
}
