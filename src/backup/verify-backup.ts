import { throwIfAborted } from '../base/abort.ts';
import { monotonicMs } from '../base/clock.ts';
import { isOperatingError } from '../base/errors.ts';
import { type JsonObject, isJsonObject } from '../base/json.ts';
import { leafBytes } from '../repository/block.ts';
import { manifestName } from '../repository/manifest.ts';
import type { ByteSpan } from '../repository/reader.ts';
import type { Repository } from '../repository/repository.ts';
import type { VerifyOptions } from '../repository/verify.ts';
import type { VerifyDepth } from '../repository/verify-report.ts';
import { PlaceFile } from './place-file.ts';

export interface VerifyBackupOptions {
  readonly repository: Repository;
  readonly backupId: string;
  readonly depth: VerifyDepth;
  /** Which copy of the objects is read, where the store has several; the first by default. */
  readonly copy?: number;
  /** A local file in which the place reached is kept; removed at the end. */
  readonly placePath: string;
  readonly signal: AbortSignal;
  /** Called before so many bytes are read from the store; they wait until it resolves. */
  readonly pace?: (bytes: number) => Promise<void>;
  /** Bytes of the volume, holes included. */
  readonly onProgress: (progress: { bytesDone: number; bytesTotal: number }) => void;
}

/** What is wrong with a backup: nothing when `reason` is null. */
export interface BackupDamage {
  /** What is damaged of the volume's bytes; empty when the manifest itself is. */
  readonly ranges: readonly ByteSpan[];
  /** The objects in which the damage lies, as many as are of use. */
  readonly objects: readonly string[];
  readonly reason: string | null;
}

/** Objects that are remembered; with more than that damaged, healing goes block by block. */
const objectsMax = 10_000;

/** How often at most the place is written down. */
const keepEveryMs = 2000;

/**
 * Checks one backup: that every object is there, or that every block opens and has its id. Damage
 * is the answer, not an error. Run again after a crash it goes on from where it was.
 */
export async function verifyBackup(options: VerifyBackupOptions): Promise<BackupDamage> {
  const { repository, backupId, depth, copy = 0, signal, pace, onProgress } = options;
  const purpose = `verify ${repository.id} ${backupId} ${depth} ${copy}`;
  const file = new PlaceFile(options.placePath, purpose);
  const before = placeOf(await file.read());
  const bytesTotal = await lengthOf(repository, backupId);
  let keptAt = monotonicMs();
  let keeping: Promise<void> | undefined;
  let failure: { error: unknown } | undefined;
  const keep = (place: Place): void => {
    keeping = file
      .write(jsonOf(place))
      .catch((error: unknown) => {
        failure = { error };
      })
      .finally(() => {
        keeping = undefined;
      });
  };
  onProgress({ bytesDone: before.offsetBytes, bytesTotal });
  const found = await checkStored(repository, backupId, depth, {
    signal,
    copy,
    fromBytes: before.offsetBytes,
    ...(pace === undefined ? {} : { pace }),
    onProgress: ({ offsetBytes, damaged, objects }) => {
      onProgress({ bytesDone: offsetBytes, bytesTotal });
      if (keeping !== undefined || monotonicMs() - keptAt < keepEveryMs) return;
      keptAt = monotonicMs();
      const place = Math.floor(offsetBytes / leafBytes) * leafBytes;
      const found = (damaged?.ranges ?? []).filter((range) => range.offsetBytes < place);
      const reason = damaged?.message ?? null;
      keep({ offsetBytes: place, ...joined(before, { ranges: found, objects, reason }) });
    },
  });
  await keeping;
  if (failure !== undefined) throw failure.error;
  throwIfAborted(signal);
  await file.remove();
  return joined(before, found);
}

/** What is wrong with a backup, as one run of the repository's own verification finds it. */
export async function checkStored(
  repository: Repository,
  backupId: string,
  depth: VerifyDepth,
  options: VerifyOptions,
): Promise<BackupDamage> {
  try {
    const report = await repository.verify(backupId, depth, options);
    const found = report.backups.find((each) => each.backupId === backupId);
    const objects = report.objects.map(({ name }) => name);
    return { ranges: found?.ranges ?? [], objects, reason: found?.message ?? null };
  } catch (error) {
    if (!isOperatingError(error, 'not_found')) throw error;
    // Lost in this copy alone: the backup is there as long as some copy has its manifest.
    if ((await repository.findManifest(backupId)) === undefined) throw error;
    return { ranges: [], objects: [manifestName(backupId)], reason: error.message };
  }
}

function joined(before: BackupDamage, later: BackupDamage): BackupDamage {
  const objects = [...new Set([...before.objects, ...later.objects])];
  return {
    ranges: [...before.ranges, ...later.ranges],
    objects: objects.slice(0, objectsMax),
    reason: before.reason ?? later.reason,
  };
}

/** The size of the volume; 0 when the manifest is damaged, which verify tells. */
async function lengthOf(repository: Repository, backupId: string): Promise<number> {
  try {
    return (await repository.findManifest(backupId))?.lengthBytes ?? 0;
  } catch (error) {
    if (isOperatingError(error, 'corrupt')) return 0;
    throw error;
  }
}

interface Place extends BackupDamage {
  readonly offsetBytes: number;
}

function jsonOf({ offsetBytes, ranges, objects, reason }: Place): JsonObject {
  const spans = ranges.map((range) => ({ ...range }));
  return { offsetBytes, ranges: spans, objects: [...objects], reason };
}

const start: Place = { offsetBytes: 0, ranges: [], objects: [], reason: null };

function placeOf(value: JsonObject | undefined): Place {
  if (value === undefined) return start;
  const { offsetBytes, ranges, objects, reason } = value;
  if (typeof offsetBytes !== 'number' || offsetBytes % leafBytes !== 0) return start;
  if (!Array.isArray(ranges) || !Array.isArray(objects)) return start;
  if (reason !== null && typeof reason !== 'string') return start;
  const spans = ranges.flatMap((range) => {
    if (!isJsonObject(range)) return [];
    const { offsetBytes: at, lengthBytes } = range;
    const isSpan = typeof at === 'number' && typeof lengthBytes === 'number';
    return isSpan ? [{ offsetBytes: at, lengthBytes }] : [];
  });
  const names = objects.filter((name) => typeof name === 'string');
  return { offsetBytes, ranges: spans, objects: names, reason };
}
