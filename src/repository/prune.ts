/**
 * Does what a plan says, beside writers of this and of other processes. The order makes a crash at
 * any step harmless:
 *
 * 1. The packs that are to go are condemned: in memory at one instant, then in a list in the store.
 *    From then on no writer that begins relies on them: see `prune-lists.ts`.
 * 2. What came since the plan is marked as well. Lists for which a writer of another process may
 *    have been too early are left to a later prune, which finds that writer gone.
 * 3. Live blocks of the packs that go are copied, still sealed, into new packs.
 * 4. New index objects name the new packs, and those that stay of every index that names a pack
 *    that goes.
 * 5. The packs go. An index that names a pack that is gone is ignored by every reader.
 * 6. The superseded indexes go.
 *
 * What the store does not let go stays condemned, and nothing relies on it: the rest goes all the
 * same, and a later prune goes on with it. A store that refuses nearly everything is asked for a
 * few, by chance, each time.
 *
 * A full store has room again when packs without anything live are gone: where there is none for
 * the copies, these packs go first, and the rest stays condemned for the next prune. New indexes
 * wait for room as well: what none names is found all the same.
 *
 * A pack that a writer of this process relied on since the plan is not condemned.
 */
import { throwIfAborted } from '../base/abort.ts';
import { randomUnit } from '../base/chance.ts';
import { isOperatingError } from '../base/errors.ts';
import { sleep } from '../store/retry.ts';
import { marks } from './block-table.ts';
import type { BlockIndex, Pack } from './block-index.ts';
import { hexOf } from './block.ts';
import type { BlockSource } from './fetch.ts';
import type { Holds } from './holds.ts';
import { indexName, type PackContent } from './index-format.ts';
import type { Lease } from './lease.ts';
import { describeOwner } from './leases.ts';
import { packName } from './pack-format.ts';
import { moveBlocks } from './pack-move.ts';
import { PackWriter } from './pack-writer.ts';
import { Marking } from './marking.ts';
import { markOthers, mayGo, outOfDate, type PruneParts, type PrunePlan } from './prune-plan.ts';
import { listedPacksMax, type OpenList, packsOf, type PruneLists } from './prune-lists.ts';
import { RefusableRemovals } from './refusable-removals.ts';
import { readIndex } from './read-index.ts';
import { writeIndexes } from './write-indexes.ts';

export interface PruneOutcome {
  readonly packsRemoved: number;
  readonly packsRewritten: number;
  readonly bytesFreed: number;
  /** True when there was no room for copies of what is live: there may be now. */
  readonly lackedRoom: boolean;
  /** Whose end the rest of what is condemned waits for: processes that write, for people. */
  readonly waitsFor: readonly string[];
}

export async function executePrune(
  parts: PruneParts,
  plan: PrunePlan,
  signal?: AbortSignal,
): Promise<PruneOutcome> {
  const { source, holds, leases, keeper } = parts;
  const turn = await leases.takeTurn('prune', signal);
  try {
    if (await keeper.noticePrunes(signal)) throw outOfDate();
    checkPlan(holds, plan);
    checkMarks(source, plan);
    await condemn(parts, plan);
    const { liveBytes, waitsFor } = await lookAgain(parts, plan, signal);
    checkMarks(source, plan);
    const ready = [...keeper.lists.open].filter(([, list]) => isReady(source.index, list, plan));
    const doomed = ready.flatMap(([, list]) => packsOf(source.index, list));
    const isDead = ({ number }: Pack): boolean => (liveBytes.get(number) ?? 0) === 0;
    const rewritten = doomed.filter((pack) => !isDead(pack));
    const copy = async (): Promise<number> => {
      const bytesCopied = await copyLive(source, rewritten, signal);
      checkMarks(source, plan);
      return bytesCopied;
    };
    try {
      const freed = await replacePacks(source, doomed, { copy, turn, signal });
      await keeper.lists.finish(ready.map(([pruneId]) => pruneId));
      return { ...freed, packsRewritten: rewritten.length, lackedRoom: false, waitsFor };
    } catch (error) {
      const dead = doomed.filter((pack) => isDead(pack) && source.index.findPack(pack.packId));
      if (!isOperatingError(error, 'no_space') || dead.length === 0) throw error;
      const copyNothing = async (): Promise<number> => 0;
      const freed = await replacePacks(source, dead, { copy: copyNothing, turn, signal });
      return { ...freed, packsRewritten: 0, lackedRoom: true, waitsFor };
    }
  } finally {
    await turn.release();
  }
}

/** Condemns what the plan found and nobody here has used since. */
async function condemn(
  { source, keeper }: PruneParts,
  { remove, rewrite, usedSince }: PrunePlan,
): Promise<void> {
  const chosen = [...remove, ...rewrite].flatMap(({ packId }) => {
    const pack = source.index.findPack(packId);
    return pack !== undefined && mayGo(pack, usedSince) ? [pack] : [];
  });
  if (chosen.length === 0) return;
  await publishList(keeper.lists, chosen.slice(0, listedPacksMax));
}

/** Condemns packs, here at once and then for others; or, when that fails, not at all. */
export async function publishList(lists: PruneLists, packs: readonly Pack[]): Promise<string> {
  for (const pack of packs) pack.condemned = true;
  try {
    return await lists.publish(packs);
  } catch (error) {
    for (const pack of packs) pack.condemned = false;
    throw error;
  }
}

/**
 * Marks what came since the plan. Whoever has begun to write before the list was there has a lease,
 * or has ended, so that what he made is seen.
 */
async function lookAgain(
  parts: PruneParts,
  plan: PrunePlan,
  signal?: AbortSignal,
): Promise<{ liveBytes: ReadonlyMap<number, number>; waitsFor: string[] }> {
  const { source, leases, keeper } = parts;
  if (keeper.lists.open.size === 0) return { liveBytes: plan.liveBytes, waitsFor: [] };
  await sleep(2 * (source.store.listingLagMs ?? 0), signal);
  const others = await leases.others();
  const writers = others.filter(({ kind }) => kind === 'write');
  keeper.lists.noteWriters(new Set(writers.map(({ leaseId }) => leaseId)));
  await keeper.refresh(signal);
  const marking = new Marking(source, keeper, parts.differences, signal);
  await markOthers(parts, others, { marking, rootIds: plan.rootIds });
  await marking.markBases(plan.packCount);
  const liveBytes = new Map(plan.liveBytes);
  for (const [number, bytes] of marking.liveBytes) {
    liveBytes.set(number, (liveBytes.get(number) ?? 0) + bytes);
  }
  const awaited = new Set(
    [...keeper.lists.open.values()].flatMap((it) => [...(it.waitsFor ?? [])]),
  );
  const waitsFor = writers.filter(({ leaseId }) => awaited.has(leaseId)).map(describeOwner);
  return { liveBytes, waitsFor };
}

/** True when no writer, here or elsewhere, can rely on a pack of the list that is not marked. */
function isReady(index: BlockIndex, list: OpenList, { usedSince }: PrunePlan): boolean {
  const isUnused = packsOf(index, list).every(({ lastUse }) => lastUse < usedSince);
  return isUnused && list.waitsFor?.size === 0;
}

/**
 * Removes packs that are condemned, in the order above, when `copy` has made durable elsewhere what
 * of them is to stay; it answers how many bytes that took.
 */
export async function replacePacks(
  source: BlockSource,
  doomed: readonly Pack[],
  {
    copy,
    turn,
    signal,
  }: { copy: () => Promise<number>; turn: Lease; signal: AbortSignal | undefined },
): Promise<{ packsRemoved: number; bytesFreed: number }> {
  const { index } = source;
  const gone: Pack[] = [];
  const removals = new RefusableRemovals(source.store);
  try {
    const bytesCopied = await copy();
    const superseded = await replaceIndexes(source, doomed, signal);
    for (const pack of inAnyOrder(doomed)) {
      throwIfAborted(signal);
      turn.throwUnlessHeld();
      // Gone from here on: a removal that fails may have been done all the same.
      gone.push(pack);
      const outcome = await removals.remove(packName(pack.packId), pack.sizeBytes);
      if (outcome === 'untried') gone.pop();
    }
    for (const indexId of superseded) {
      if ((await removals.remove(indexName(indexId))) !== 'gone') index.stale.push(indexId);
    }
    removals.throwIfRefused();
    const bytesGone = gone.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return { packsRemoved: gone.length, bytesFreed: bytesGone - bytesCopied };
  } finally {
    index.forget(gone);
  }
}

/** Shuffled, so that what a store never lets go does not keep it from being asked for the rest. */
function inAnyOrder(packs: readonly Pack[]): Pack[] {
  const keyed = packs.map((pack) => ({ pack, key: randomUnit() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ pack }) => pack);
}

/** The marks must be those of the plan, and of all packs that are known. */
function checkMarks({ index }: BlockSource, plan: PrunePlan): void {
  if (index.liveMarksOf !== plan.moment) throw outOfDate();
}

/** Every map that somebody began to rely on since the plan must be one that the plan reached. */
function checkPlan(holds: Holds, plan: PrunePlan): void {
  const held = holds.rootsSince(plan.moment);
  const unknown = held?.some(({ rootId }) => !plan.rootIds.has(hexOf(rootId))) ?? true;
  if (unknown) throw outOfDate();
}

/** Copies what is live in `packs` into new packs; returns their size when they are durable. */
async function copyLive(
  source: BlockSource,
  packs: readonly Pack[],
  signal?: AbortSignal,
): Promise<number> {
  const { index } = source;
  const writer = new PackWriter({ source, signal });
  try {
    for (const pack of packs) {
      throwIfAborted(signal);
      await moveBlocks(source, pack, (id) => index.table.isMarked(marks.live, id), writer);
      await writer.room();
    }
    await writer.flush();
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return writer.bytesStored;
}

/**
 * One that another process has removed names nothing: who opens the repository then reads the
 * directories of its packs themselves.
 */
async function readIndexIfThere(
  { store, keys }: BlockSource,
  indexId: string,
): Promise<PackContent[]> {
  try {
    return await readIndex(store, keys, indexId);
  } catch (error) {
    if (!isOperatingError(error, 'not_found')) throw error;
    return [];
  }
}

/** Writes what is still true of every index that names one of `packs`; returns those indexes. */
async function replaceIndexes(
  source: BlockSource,
  packs: readonly Pack[],
  signal?: AbortSignal,
): Promise<string[]> {
  const { index } = source;
  const doomed = new Set(packs.map(({ packId }) => packId));
  const superseded = new Set(packs.flatMap(({ indexId }) => indexId ?? []));
  const others: PackContent[] = [];
  for (const indexId of superseded) {
    throwIfAborted(signal);
    const contents = await readIndexIfThere(source, indexId);
    const stays = contents.filter(
      ({ packId }) => !doomed.has(packId) && index.findPack(packId)?.indexId === indexId,
    );
    others.push(...stays);
  }
  for (const packId of doomed) index.unindexed.delete(packId);
  try {
    await writeIndexes(source, { others, signal });
  } catch (error) {
    // The old ones stay, and what they name that is gone is ignored.
    if (!isOperatingError(error, 'no_space')) throw error;
    return [];
  }
  return [...superseded.union(new Set(index.stale.splice(0)))];
}
