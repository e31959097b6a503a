import { throwIfAborted } from '../base/abort.ts';
import { isoMicros } from '../base/clock.ts';
import { GiB } from '../base/bytes.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import type { Manifest, ManifestFacts } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import type { BackupWriter } from '../repository/writer.ts';
import type { Bucket } from '../store/open-bucket.ts';
import { Assembler, type ReadBase } from './assemble.ts';
import { type CinderBackup, readCinderMetadata } from './metadata.ts';
import { readCinderObject } from './read-object.ts';

const metadataBytesMax = 256 * 1024 * 1024;

export type Imported =
  | { readonly kind: 'imported' | 'there'; readonly backup: CinderBackup }
  | { readonly kind: 'failed'; readonly what: string; readonly error: OperatingError };

/** What Cinder left in a bucket. */
export interface CinderSource {
  readonly bucket: Bucket;
  /** Every object, whatever it is. */
  readonly sizes: ReadonlyMap<string, number>;
  /** By their ids. */
  readonly backups: ReadonlyMap<string, CinderBackup>;
  /** Descriptions of backups that cannot be read. */
  readonly unreadable: readonly (Imported & { kind: 'failed' })[];
}

/** Looks for backups of Cinder's chunked drivers; the bucket stays as it is. */
export async function findCinderBackups(bucket: Bucket): Promise<CinderSource> {
  const sizes = new Map<string, number>();
  for await (const { name, sizeBytes } of bucket.list('')) sizes.set(name, sizeBytes);
  const backups = new Map<string, CinderBackup>();
  const unreadable: (Imported & { kind: 'failed' })[] = [];
  for (const [name, sizeBytes] of sizes) {
    if (!/_backup_[0-9a-f-]{36}_metadata$/.test(name)) continue;
    const read = await attempt(name, async () => readMetadata(bucket, name, sizeBytes));
    if ('error' in read) unreadable.push({ kind: 'failed', what: name, error: read.error });
    else backups.set(read.value.backupId, read.value);
  }
  return { bucket, sizes, backups, unreadable };
}

/** Rejects with `not_found` when none of the backups has all the objects that it needs. */
export function throwIfNothingWhole({ bucket, sizes, backups, unreadable }: CinderSource): void {
  const known = [...backups.values()];
  if (known.some(({ objects }) => objects.every(({ name }) => sizes.has(name)))) return;
  const [broken] = unreadable;
  if (known.length === 0 && broken === undefined) {
    throw new OperatingError(
      'not_found',
      `there are no backups of Cinder in ${bucket.url}: none of its ${sizes.size} objects has a ` +
        "name that ends with _backup_ID_metadata, as Cinder's chunked drivers give it; name the " +
        'folder, bucket or container of backup_posix_path, backup_s3_store_bucket or ' +
        'backup_swift_container',
    );
  }
  const [first] = known;
  const missing = first?.objects.find(({ name }) => !sizes.has(name))?.name;
  const why = broken?.error.message ?? `the object ${missing} of ${first?.backupId} is missing`;
  throw new OperatingError(
    'not_found',
    `none of the ${known.length + unreadable.length} backups of Cinder in ${bucket.url} can be ` +
      `taken over: ${why}`,
  );
}

/**
 * Makes a backup of each one that was found, parents first. What is in the repository already is
 * left alone, so that it may be repeated; what is damaged is reported and keeps back only what is
 * built on it.
 */
export async function* importCinderBackups(
  { bucket, sizes, backups, unreadable }: CinderSource,
  repository: Repository,
  signal?: AbortSignal,
): AsyncGenerator<Imported> {
  yield* unreadable;
  for (const backup of parentsFirst(backups)) {
    throwIfAborted(signal);
    const what = `backup ${backup.backupId}`;
    const work = async (): Promise<Imported> => {
      if ((await repository.findManifest(backup.backupId)) !== undefined) {
        return { kind: 'there', backup };
      }
      await importOne(bucket, sizes, repository, backup);
      return { kind: 'imported', backup };
    };
    const done = await attempt(what, work);
    yield 'error' in done ? { kind: 'failed', what, error: done.error } : done.value;
  }
}

async function readMetadata(
  bucket: Bucket,
  name: string,
  sizeBytes: number,
): Promise<CinderBackup> {
  if (sizeBytes > metadataBytesMax) throw new OperatingError('corrupt', `${name} is too large`);
  const range = { offsetBytes: 0, lengthBytes: sizeBytes };
  return readCinderMetadata(name, await bucket.get(name, { range }));
}

/** Only what is wrong with this one backup is kept; a store that is full or gone ends the work. */
async function attempt<T>(
  what: string,
  act: () => Promise<T>,
): Promise<{ value: T } | { error: OperatingError }> {
  try {
    return { value: await act() };
  } catch (error) {
    const own = isOperatingError(error, 'corrupt') || isOperatingError(error, 'not_found');
    if (!own) throw error;
    return { error: new OperatingError(error.code, `${what}: ${error.message}`) };
  }
}

/** In the order of their making, but never before the parent. */
function parentsFirst(backups: ReadonlyMap<string, CinderBackup>): CinderBackup[] {
  const ordered = new Set<CinderBackup>();
  for (const backup of [...backups.values()].sort((a, b) => a.createdAt - b.createdAt)) {
    const line: CinderBackup[] = [];
    const seen = new Set<CinderBackup>();
    for (let next: CinderBackup | undefined = backup; next !== undefined && !seen.has(next);) {
      seen.add(next);
      line.push(next);
      next = next.parentId === null ? undefined : backups.get(next.parentId);
    }
    for (const one of line.toReversed()) ordered.add(one);
  }
  return [...ordered];
}

async function importOne(
  bucket: Bucket,
  sizes: ReadonlyMap<string, number>,
  repository: Repository,
  backup: CinderBackup,
): Promise<void> {
  for (const { name } of backup.objects) {
    if (!sizes.has(name)) throw new OperatingError('not_found', `the object ${name} is missing`);
  }
  const parent = await parentOf(repository, backup);
  const lengthBytes = Math.max(backup.lengthBytes, parent?.lengthBytes ?? 0);
  const reader = parent === undefined ? undefined : await repository.openReader(parent);
  const readBase: ReadBase = async (offsetBytes, target) => {
    const count = Math.max(0, Math.min(target.length, (parent?.lengthBytes ?? 0) - offsetBytes));
    target.fill(0, count);
    if (reader !== undefined && count > 0)
      await reader.read(offsetBytes, target.subarray(0, count));
  };
  try {
    const writer = await repository.openWriter({
      lengthBytes,
      ...(parent === undefined ? {} : { parent }),
    });
    try {
      await copyObjects(bucket, sizes, { backup, writer, readBase });
      await writer.commit(factsOf(backup, lengthBytes), isoMicros(backup.createdAt));
    } catch (error) {
      await writer.abort();
      throw error;
    }
  } finally {
    reader?.close();
  }
}

async function parentOf(
  repository: Repository,
  { parentId }: CinderBackup,
): Promise<Manifest | undefined> {
  if (parentId === null) return undefined;
  const parent = await repository.findManifest(parentId);
  if (parent !== undefined) return parent;
  throw new OperatingError('not_found', `its parent ${parentId} is not there, or is damaged`);
}

async function copyObjects(
  bucket: Bucket,
  sizes: ReadonlyMap<string, number>,
  { backup, writer, readBase }: { backup: CinderBackup; writer: BackupWriter; readBase: ReadBase },
): Promise<void> {
  const assembler = new Assembler(writer, readBase);
  for (const object of backup.objects) {
    let at = object.offsetBytes;
    for await (const bytes of readCinderObject(bucket, object, sizes.get(object.name) ?? 0)) {
      await assembler.write(at, bytes);
      at += bytes.length;
    }
  }
  assembler.finish();
}

function factsOf(backup: CinderBackup, lengthBytes: number): ManifestFacts {
  const { volume } = backup;
  return {
    backupId: backup.backupId,
    making: backup.parentId === null ? 'full' : 'incremental',
    parentId: backup.parentId,
    name: backup.name,
    description: backup.description,
    metadata: {},
    // Cinder does not write them down: whoever adopts the backup owns it.
    projectId: '',
    userId: '',
    snapshotId: null,
    dataTimestamp: isoMicros(backup.createdAt),
    // No layer of Firn's has this name: no backup of a volume here starts from it.
    layerId: 'cinder',
    volume: { ...volume, sizeGiB: lengthBytes / GiB, volumeType: null },
  };
}
