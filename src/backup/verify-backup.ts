import { throwIfAborted } from '../base/abort.ts';
import { monotonicMs } from '../base/clock.ts';
import { isOperatingError } from '../base/errors.ts';
import { type JsonObject, isJsonObject } from '../base/json.ts';
import { leafBytes } from '../repository/block.ts';
import type { ByteSpan } from '../repository/reader.ts';
import type { Repository } from '../repository/repository.ts';
import type { VerifyDepth } from '../repository/verify-report.ts';
import { PlaceFile } from './place-file.ts';

export interface VerifyBackupOptions {
  readonly repository: Repository;
  readonly backupId: string;
  readonly depth: VerifyDepth;
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
  readonly reason: string | null;
}

/** How often at most the place is written down. */
const keepEveryMs = 2000;

/**
 * Checks one backup: that every object is there, or that every block opens and has its id. Damage
 * is the answer, not an error. Run again after a crash it goes on from where it was.
 */
export async function verifyBackup(options: VerifyBackupOptions): Promise<BackupDamage> {
  const { repository, backupId, depth, signal, pace, onProgress } = options;
  const purpose = `verify ${repository.id} ${backupId} ${depth}`;
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
  const report = await repository.verify(backupId, depth, {
    signal,
    fromBytes: before.offsetBytes,
    ...(pace === undefined ? {} : { pace }),
    onProgress: ({ offsetBytes, damaged }) => {
      onProgress({ bytesDone: offsetBytes, bytesTotal });
      if (keeping !== undefined || monotonicMs() - keptAt < keepEveryMs) return;
      keptAt = monotonicMs();
      const place = Math.floor(offsetBytes / leafBytes) * leafBytes;
      const found = (damaged?.ranges ?? []).filter((range) => range.offsetBytes < place);
      keep({
        offsetBytes: place,
        ranges: [...before.ranges, ...found],
        reason: before.reason ?? damaged?.message ?? null,
      });
    },
  });
  await keeping;
  if (failure !== undefined) throw failure.error;
  throwIfAborted(signal);
  await file.remove();
  const found = report.backups.find((each) => each.backupId === backupId);
  const ranges = [...before.ranges, ...(found?.ranges ?? [])];
  return { ranges, reason: before.reason ?? found?.message ?? null };
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

function jsonOf({ offsetBytes, ranges, reason }: Place): JsonObject {
  return { offsetBytes, ranges: ranges.map((range) => ({ ...range })), reason };
}

const start: Place = { offsetBytes: 0, ranges: [], reason: null };

function placeOf(value: JsonObject | undefined): Place {
  if (value === undefined) return start;
  const { offsetBytes, ranges, reason } = value;
  if (typeof offsetBytes !== 'number' || offsetBytes % leafBytes !== 0) return start;
  if (!Array.isArray(ranges) || (reason !== null && typeof reason !== 'string')) return start;
  const spans = ranges.flatMap((range) => {
    if (!isJsonObject(range)) return [];
    const { offsetBytes: at, lengthBytes } = range;
    const isSpan = typeof at === 'number' && typeof lengthBytes === 'number';
    return isSpan ? [{ offsetBytes: at, lengthBytes }] : [];
  });
  return { offsetBytes, ranges: spans, reason };
}
