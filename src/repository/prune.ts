/**
 * Does what a plan says. The order makes a crash at any step harmless:
 *
 * 1. Live blocks of packs to be rewritten are copied, still sealed, into new packs.
 * 2. New index objects name the new packs, and those that stay of every index that names a pack
 *    that goes.
 * 3. The packs go. An index that names a pack that is gone is ignored by every reader.
 * 4. The superseded indexes go.
 *
 * A pack is condemned, at one instant, before anything is done about it: from then on no writer
 * relies on it. One that a writer relied on since the plan is left alone.
 */
import { throwIfAborted } from '../base/abort.ts';
import { OperatingError } from '../base/errors.ts';
import { marks } from './block-table.ts';
import { readIndex } from './block-index-load.ts';
import type { Pack } from './block-index.ts';
import { hexOf, idBytes } from './block.ts';
import type { BlockSource } from './fetch.ts';
import type { Holds } from './holds.ts';
import { indexName, type PackContent } from './index-format.ts';
import { baseOfEntry, entriesOf, packName } from './pack-format.ts';
import { readPackContent } from './pack-read.ts';
import { PackWriter } from './pack-writer.ts';
import { mayGo, type PlannedPack, type PrunePlan } from './prune-plan.ts';
import { writeIndexes } from './write-indexes.ts';

export interface PruneOutcome {
  readonly packsRemoved: number;
  readonly packsRewritten: number;
  readonly bytesFreed: number;
}

export async function executePrune(
  source: BlockSource,
  holds: Holds,
  plan: PrunePlan,
  signal?: AbortSignal,
): Promise<PruneOutcome> {
  const { index } = source;
  checkPlan(holds, plan);
  if (index.liveMarksOf !== plan.moment) throw outOfDate();
  const condemn = (planned: readonly PlannedPack[]): Pack[] =>
    planned.flatMap(({ packId }) => {
      const pack = index.findPack(packId);
      if (pack === undefined || !mayGo(pack, plan.usedSince)) return [];
      pack.condemned = true;
      return [pack];
    });
  const rewritten = condemn(plan.rewrite);
  const doomed = [...rewritten, ...condemn(plan.remove)];
  const copy = (): Promise<number> => copyLive(source, rewritten, signal);
  const freed = await replacePacks(source, doomed, copy, signal);
  return { ...freed, packsRewritten: rewritten.length };
}

/**
 * Removes packs that are condemned, in the order above, when `copy` has made durable elsewhere what
 * of them is to stay; it answers how many bytes that took.
 */
export async function replacePacks(
  source: BlockSource,
  doomed: readonly Pack[],
  copy: () => Promise<number>,
  signal?: AbortSignal,
): Promise<{ packsRemoved: number; bytesFreed: number }> {
  const { store, index } = source;
  const gone: Pack[] = [];
  try {
    const bytesCopied = await copy();
    const superseded = await replaceIndexes(source, doomed, signal);
    for (const pack of doomed) {
      throwIfAborted(signal);
      // Gone from here on: a removal that fails may have been done all the same.
      gone.push(pack);
      await store.remove(packName(pack.packId));
    }
    for (const indexId of superseded) await store.remove(indexName(indexId));
    const bytesGone = gone.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return { packsRemoved: gone.length, bytesFreed: bytesGone - bytesCopied };
  } finally {
    index.forget(gone);
    for (const pack of doomed) if (!gone.includes(pack)) pack.condemned = false;
  }
}

/** Every map that somebody began to rely on since the plan must be one that the plan reached. */
function checkPlan(holds: Holds, plan: PrunePlan): void {
  const held = holds.rootsSince(plan.moment);
  const unknown = held?.some(({ rootId }) => !plan.rootIds.has(hexOf(rootId))) ?? true;
  if (unknown) throw outOfDate();
}

function outOfDate(): OperatingError {
  return new OperatingError('conflict', 'the plan to prune is out of date: plan again');
}

/** Copies what is live in `packs` into new packs; returns their size when they are durable. */
async function copyLive(
  source: BlockSource,
  packs: readonly Pack[],
  signal?: AbortSignal,
): Promise<number> {
  const { store, keys, index } = source;
  const writer = new PackWriter({ source, signal });
  try {
    for (const pack of packs) {
      throwIfAborted(signal);
      const { directory } = await readPackContent(store, keys, pack);
      const bytes = await store.get(packName(pack.packId));
      for (const entry of entriesOf(directory, packName(pack.packId))) {
        const id = directory.subarray(entry.idAt, entry.idAt + idBytes);
        const at = index.find(id);
        const here = at?.pack === pack.number && at.offsetBytes === entry.offsetBytes;
        if (!here || !index.table.isMarked(marks.live, id)) continue;
        const end = entry.offsetBytes + entry.lengthBytes;
        const base = entry.baseAt === -1 ? undefined : baseOfEntry(directory, entry);
        writer.add(entry.kind, id, bytes.subarray(entry.offsetBytes, end), base);
      }
      await writer.room();
    }
    await writer.flush();
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return writer.bytesStored;
}

/** Writes what is still true of every index that names one of `packs`; returns those indexes. */
async function replaceIndexes(
  source: BlockSource,
  packs: readonly Pack[],
  signal?: AbortSignal,
): Promise<string[]> {
  const { store, keys, index } = source;
  const doomed = new Set(packs.map(({ packId }) => packId));
  const superseded = new Set(packs.flatMap(({ indexId }) => indexId ?? []));
  const others: PackContent[] = [];
  for (const indexId of superseded) {
    throwIfAborted(signal);
    const contents = await readIndex(store, keys, indexId);
    const stays = contents.filter(
      ({ packId }) => !doomed.has(packId) && index.findPack(packId)?.indexId === indexId,
    );
    others.push(...stays);
  }
  for (const packId of doomed) index.unindexed.delete(packId);
  await writeIndexes(source, { others, signal });
  return [...superseded, ...index.stale.splice(0)];
}
