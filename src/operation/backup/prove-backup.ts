/**
 * Reads a backup back, in every copy that the store is to have of it, and makes good what is
 * damaged where that can be.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { healBackup } from '../../backup/heal-backup.ts';
import { verifyBackup, type BackupDamage } from '../../backup/verify-backup.ts';
import { isOperatingError } from '../../base/errors.ts';
import type { BackupRow, VerifyDepth } from '../../catalog/tables.ts';
import type { OperationNeeds } from '../needs.ts';
import { watchBackup } from './watch-backup.ts';

/** The depths that reading the store alone can reach. */
export type StoreDepth = Exclude<VerifyDepth, 'filesystem'>;

export type VerifyNeeds = Pick<
  OperationNeeds,
  'catalog' | 'clock' | 'engine' | 'repositories' | 'journalFolder'
>;

/** Damage, and whether all of it was made good: then `ranges` is what had been damaged. */
export interface HealedDamage extends BackupDamage {
  readonly isHealed: boolean;
}

export interface Proving {
  readonly depth: StoreDepth;
  readonly signal: AbortSignal;
  /** Bytes of the volume, holes included, once for each copy. */
  readonly progress: (bytesDone: number, bytesTotal: number) => void;
  readonly pace?: (bytes: number) => Promise<void>;
}

/** What was wrong with a backup, or still is; undefined when nobody wants to know any more. */
export async function proveBackup(
  needs: VerifyNeeds,
  row: BackupRow,
  proving: Proving,
): Promise<HealedDamage | undefined> {
  const found: HealedDamage[] = [];
  const copies = copiesToProve(needs, row);
  for (const [done, copy] of copies.entries()) {
    const progress = (bytesDone: number, bytesTotal: number): void =>
      proving.progress(done * bytesTotal + bytesDone, copies.length * bytesTotal);
    try {
      const damage = await checkBackup(needs, row, { ...proving, progress, copy: copy.number });
      if (damage === undefined) return undefined;
      if (damage.reason === null) continue;
      // What is on its way to the second store is not lost there.
      if (copy.number > 0 && !needs.repositories.isSettled(row.container)) continue;
      const healed = await healDamage(needs, row, { ...proving, damage, copy: copy.number });
      if (healed === undefined) continue;
      found.push(copy.url === null ? healed : { ...healed, reason: inCopy(damage, copy.url) });
    } catch (error) {
      if (isOperatingError(error, 'not_found')) {
        // Nobody has its manifest any more.
        return { ranges: [], objects: [], reason: error.message, isHealed: false };
      }
      // A second store that is away says so elsewhere, and keeps nobody from proving the first.
      const isAway = isOperatingError(error) && error.code !== 'aborted';
      if (copy.number === 0 || !isAway) throw error;
    }
  }
  const worst = found.find(({ isHealed }) => !isHealed) ?? found[0];
  return worst ?? { ranges: [], objects: [], reason: null, isHealed: false };
}

interface CopyToProve {
  readonly number: number;
  /** The second store, for people; null for the first. */
  readonly url: string | null;
}

/** The first copy, and those of other stores that are complete. */
function copiesToProve({ repositories }: VerifyNeeds, row: BackupRow): CopyToProve[] {
  const first = { number: 0, url: null };
  if (!repositories.isSettled(row.container)) return [first];
  const others = repositories
    .copiesOf(row.container, row.storedId ?? row.id)
    .flatMap(({ url, state }, at) => (state === 'complete' ? [{ number: at + 1, url }] : []));
  return [first, ...others];
}

function inCopy({ reason }: BackupDamage, url: string): string {
  return `${reason ?? ''} (in the copy at ${url})`;
}

async function checkBackup(
  { catalog, clock, repositories, journalFolder }: VerifyNeeds,
  { id, container, storedId }: BackupRow,
  { depth, signal, progress, pace, copy }: Proving & { copy: number },
): Promise<BackupDamage | undefined> {
  const watch = watchBackup({ catalog, clock, backupId: id });
  const { signal: lost } = watch;
  const placePath = join(journalFolder, `${id}.verify-${depth}`);
  try {
    return await verifyBackup({
      repository: await repositories.open(container, { create: false }),
      backupId: storedId ?? id,
      depth,
      copy,
      placePath,
      signal: AbortSignal.any([signal, lost]),
      pace: async (bytes) => {
        // Progress is seldom, at a slow pace: a deletion does not wait for it.
        watch.look();
        await pace?.(bytes);
      },
      onProgress: ({ bytesDone, bytesTotal }) => {
        progress(bytesDone, bytesTotal);
        watch.look();
      },
    });
  } catch (error) {
    if (!lost.aborted || signal.aborted || !isOperatingError(error, 'aborted')) throw error;
    await rm(placePath, { force: true });
    return undefined;
  }
}

/**
 * Stores anew what a copy, the volume, or a snapshot of it, still has of what is damaged. Undefined
 * when nothing is damaged any more without that.
 */
async function healDamage(
  { engine, repositories }: VerifyNeeds,
  { id, container, volumeId, snapshotId, storedId }: BackupRow,
  { damage, depth, copy, signal }: Proving & { damage: BackupDamage; copy: number },
): Promise<HealedDamage | undefined> {
  try {
    const repository = await repositories.open(container, { create: false });
    const backupId = storedId ?? id;
    const where = { backupId, volumeId, snapshotId, damage, depth, copy };
    const left = await healBackup({ engine, repository, ...where, signal });
    if (left === undefined) return undefined;
    if (left.reason === null) return { ...damage, isHealed: true };
    return { ...left, isHealed: false };
  } catch (error) {
    // What is damaged is told all the same.
    if (!isOperatingError(error) || isOperatingError(error, 'aborted')) throw error;
    return { ...damage, isHealed: false };
  }
}
