/**
 * Verifies a repository in every copy that its store has of each object, and makes good what can be
 * made good from another copy, without a volume or a service at hand.
 */
import { isOperatingError } from '../base/errors.ts';
import { blockBytes } from './block.ts';
import type { CopyReader } from './heal-node.ts';
import type { BackupReader } from './reader.ts';
import type { Repository } from './repository.ts';
import type { VerifyOptions } from './verify.ts';
import type { DamagedBackup, VerifyDepth, VerifyReport } from './verify-report.ts';

export interface VerifyCopiesOptions extends Pick<VerifyOptions, 'signal' | 'onProgress'> {
  /** Damage is made good where another copy has the same bytes. */
  readonly heal: boolean;
}

export interface CopyReport extends VerifyReport {
  /** What was damaged or lost in this copy and is whole again, proven by reading it once more. */
  readonly healed: VerifyReport['objects'];
  /** Why the rest was not made good; null when nothing is left, or nothing was to be healed. */
  readonly unhealedReason: string | null;
}

/** A report for each copy, the first store first; what is in it is damaged still. */
export async function verifyCopies(
  repository: Repository,
  which: string,
  depth: VerifyDepth,
  options: VerifyCopiesOptions,
): Promise<CopyReport[]> {
  const reports: CopyReport[] = [];
  for (let copy = 0; copy < repository.copyCount; copy += 1) {
    const look = (): Promise<VerifyReport> => lookAt(repository, which, depth, copy, options);
    const found = await look();
    if (!options.heal || isSound(found)) {
      reports.push({ ...found, healed: [], unhealedReason: null });
      continue;
    }
    const left = await heal(repository, found, { ...options, which, copy, look });
    const still = new Set(left.objects.map(({ name }) => name));
    const healed = found.objects.filter(({ name }) => !still.has(name));
    const unhealedReason = isSound(left) ? null : reasonOf(repository);
    reports.push({ ...left, healed, unhealedReason });
  }
  return reports;
}

function isSound({ objects, backups }: VerifyReport): boolean {
  return objects.length + backups.length === 0;
}

function reasonOf({ copyCount }: Repository): string {
  if (copyCount > 1) return 'no copy of the store has it whole';
  return (
    'there is no other copy of the store to take it from; where Firn runs, "firn backup verify" ' +
    'also takes it from the volume, if that still has the same bytes'
  );
}

/** A backup whose description is lost in this copy alone is damaged there. */
async function lookAt(
  repository: Repository,
  which: string,
  depth: VerifyDepth,
  copy: number,
  { signal, onProgress }: VerifyCopiesOptions,
): Promise<VerifyReport> {
  const given = {
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
  try {
    return await repository.verify(which, depth, { ...given, copy });
  } catch (error) {
    if (!isOperatingError(error, 'not_found') || which === 'all') throw error;
    const { message } = error;
    return {
      depth,
      backupsChecked: 1,
      blocksChecked: 0,
      bytesChecked: 0,
      objects: [{ name: `backups/${which}`, message }],
      backups: [{ backupId: which, ranges: [], message }],
    };
  }
}

async function heal(
  repository: Repository,
  found: VerifyReport,
  { which, copy, look, signal }: Healing,
): Promise<VerifyReport> {
  await repository.mend(
    found.objects.map(({ name }) => name),
    signal,
  );
  if (which === 'all') await repository.mendCommon(signal === undefined ? {} : { signal });
  let left = await look();
  for (;;) {
    let healed = 0;
    for (const damaged of left.backups) {
      healed += await healBackup(repository, damaged, copy, signal);
    }
    if (healed === 0) return left;
    left = await look();
  }
}

interface Healing extends VerifyCopiesOptions {
  readonly which: string;
  readonly copy: number;
  readonly look: () => Promise<VerifyReport>;
}

/** Blocks and map nodes that another copy has; answers how many were stored anew. */
async function healBackup(
  repository: Repository,
  { backupId, ranges }: DamagedBackup,
  copy: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  if (ranges.length === 0) return 0;
  const manifest = await repository.readManifest(backupId);
  const readers: BackupReader[] = [];
  try {
    for (let other = 0; other < repository.copyCount; other += 1) {
      readers.push(await repository.openReader(manifest, { copy: other }));
    }
    const copies = readers.map(copyOf);
    return await repository.heal(manifest, ranges, copies, {
      copy,
      ...(signal === undefined ? {} : { signal }),
    });
  } finally {
    for (const reader of readers) reader.close();
  }
}

function copyOf(reader: BackupReader): CopyReader {
  return async (offsetBytes, target) => {
    const lengthBytes = Math.min(blockBytes, reader.lengthBytes - offsetBytes);
    try {
      await reader.read(offsetBytes, target.subarray(0, lengthBytes));
      return true;
    } catch (error) {
      if (isOperatingError(error) && error.code !== 'aborted') return false;
      throw error;
    }
  };
}
