/**
 * Gets sealed blocks from packs, in as few reads as possible, and opens them in threads.
 *
 * A block may be moved to another pack (prune) between look-up and read; what is not found is
 * looked up once more before it counts as lost.
 */
import { assert, must } from '../base/assert.ts';
import { atOnce } from '../base/at-once.ts';
import { KiB } from '../base/bytes.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import { otherCopies } from './any-copy.ts';
import type { BlockIndex } from './block-index.ts';
import type { Location } from './block-table.ts';
import { blockKinds, chunkBlocks, hexOf } from './block.ts';
import type { RepositoryKeys } from './keys.ts';
import type { PackBuffers } from './pack-buffers.ts';
import { packName } from './pack-format.ts';
import { baseOfPatch, patchBytesMax } from './patch.ts';
import { blockLabel, unseal } from './seal.ts';
import { type Arrivals, sealedStride, type Slot } from './slot.ts';
import type { WorkPool } from './work-pool.ts';

/** Two places in a pack are read at once when no more than this lies between them. */
const gapBytesMax = 64 * KiB;

export interface BlockSource {
  readonly store: Store;
  readonly keys: RepositoryKeys;
  readonly index: BlockIndex;
  readonly pool: WorkPool;
  /** A pack is closed when its blocks reach this size. */
  readonly packBytes: number;
  readonly packBuffers: PackBuffers;
  /** An index is written when so many packs are named by none. */
  readonly packsPerIndex: number;
  /** Called when something is not where the index says: true when it may be found now. */
  readonly refresh: () => Promise<boolean>;
}

/** Why a block cannot be had, and in which object the fault lies. */
export interface BlockFault {
  readonly block: number;
  readonly object: string;
  readonly error: OperatingError;
}

interface BlockWanted {
  readonly block: number;
  readonly id: Uint8Array;
}

interface Wanted extends BlockWanted {
  readonly at: Location;
}

/**
 * Fills `slot.plain` with the blocks whose ids are the first `ids.length` of the slot. Every block
 * was checked against its id, but for those that are returned as faults, whose bytes are undefined.
 */
export async function fetchBlocks(
  source: BlockSource,
  slot: Slot,
  ids: readonly Uint8Array[],
  signal?: AbortSignal,
): Promise<BlockFault[]> {
  assert(ids.length <= chunkBlocks, 'the blocks fit a slot');
  const wanted = ids.map((id, block) => ({ block, id }));
  for (const { block, id } of wanted) slot.id(block).set(id);
  let faults = await fetchFrom(source, slot, wanted, signal);
  for (const store of faults.length > 0 ? otherCopies(source.store) : []) {
    const bad = new Set(faults.map(({ block }) => block));
    const again = wanted.filter(({ block }) => bad.has(block));
    try {
      faults = await fetchFrom({ ...source, store }, slot, again, signal);
    } catch (error) {
      if (!isOperatingError(error) || error.code === 'aborted') throw error;
    }
  }
  return faults;
}

async function fetchFrom(
  source: BlockSource,
  slot: Slot,
  wanted: readonly BlockWanted[],
  signal: AbortSignal | undefined,
): Promise<BlockFault[]> {
  slot.modes.fill(0);
  for (const { block } of wanted) slot.patchLengths[block] = 0;
  const faults = await placeSealed(source, slot, wanted, signal);
  await source.pool.run(source.keys, 'open', slot);
  for (const { block, id } of wanted) {
    if (slot.modes[block] === 1 && slot.results[block] !== 1) {
      faults.push(faultOf(source.index, block, id));
    }
  }
  return faults;
}

/**
 * Puts the sealed whole block of each id into the slot, with mode 1. For a patched block that is
 * its base, with `baseId`, and the patch beside it.
 */
async function placeSealed(
  source: BlockSource,
  slot: Slot,
  wanted: readonly BlockWanted[],
  signal: AbortSignal | undefined,
): Promise<BlockFault[]> {
  const faults: BlockFault[] = [];
  const bases: BlockWanted[] = [];
  const reading = { source, room: slot.arrivals.begin(), signal };
  await readSealed(reading, wanted, faults, ({ block, id, at }, sealed) => {
    if (at.kind === blockKinds.whole) return place(slot, block, sealed);
    const patch = openPatch(source.keys, id, sealed);
    const base = patch === undefined ? undefined : baseOfPatch(patch);
    if (patch === undefined || base === undefined) {
      faults.push(faultOf(source.index, block, id));
      return;
    }
    slot.patchLengths[block] = patch.length;
    slot.patch(block).set(patch);
    slot.baseId(block).set(base);
    bases.push({ block, id: base });
  });
  await readSealed(reading, bases, faults, ({ block, id, at }, sealed) => {
    if (at.kind === blockKinds.whole) place(slot, block, sealed);
    else faults.push(faultOf(source.index, block, id));
  });
  return faults;
}

/**
 * Puts into the slot, with mode 1 and `baseId`, the sealed whole block that each given block can be
 * patched against: the block `id`, or its base when that is a patch itself. What cannot be had is
 * left out; the block is then stored whole.
 */
export async function placeBases(
  source: BlockSource,
  slot: Slot,
  olds: readonly BlockWanted[],
  signal?: AbortSignal,
): Promise<void> {
  slot.modes.fill(0);
  const faults: BlockFault[] = [];
  const bases: BlockWanted[] = [];
  const take = ({ block, id }: Wanted, sealed: Uint8Array): void => {
    if (!source.index.use(id)) return;
    slot.baseId(block).set(id);
    place(slot, block, sealed);
  };
  const reading = { source, room: slot.arrivals.begin(), signal };
  await readSealed(reading, olds, faults, (wanted, sealed) => {
    if (wanted.at.kind === blockKinds.whole) return take(wanted, sealed);
    const patch = openPatch(source.keys, wanted.id, sealed);
    const base = patch === undefined ? undefined : baseOfPatch(patch);
    if (base !== undefined) bases.push({ block: wanted.block, id: base });
  });
  await readSealed(reading, bases, faults, (wanted, sealed) => {
    if (wanted.at.kind === blockKinds.whole) take(wanted, sealed);
  });
}

function place(slot: Slot, block: number, sealed: Uint8Array): void {
  slot.placeSealed(block, sealed);
  slot.modes[block] = 1;
}

function openPatch(
  keys: RepositoryKeys,
  id: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  try {
    const label = blockLabel(blockKinds.patch, id);
    const options = { subject: 'a patch', plainBytesMax: patchBytesMax };
    return unseal(keys.blockKey(id[0] ?? 0), label, sealed, options);
  } catch (error) {
    if (isOperatingError(error, 'corrupt')) return undefined;
    throw error;
  }
}

/** What the reads of one chunk have in common. */
interface Reading {
  readonly source: BlockSource;
  readonly room: Arrivals;
  readonly signal: AbortSignal | undefined;
}

/**
 * Reads sealed blocks, neighbours at once, and hands each on; what is not there is a fault. When it
 * settles, nothing of it is under way: the slot may be another's then.
 */
async function readSealed(
  reading: Reading,
  wanted: readonly BlockWanted[],
  faults: BlockFault[],
  take: (wanted: Wanted, sealed: Uint8Array) => void,
): Promise<void> {
  const { source } = reading;
  const pending = await locateAll(source, wanted, faults);
  const missed: Wanted[] = [];
  await atOnce(chunkBlocks, groups(pending), (group) => readGroup(reading, group, take, missed));
  if (missed.length === 0) return;
  // Another process may have moved them.
  await source.refresh();
  const again = locate(source.index, missed, faults);
  await atOnce(chunkBlocks, again, async (one) => {
    const lost: Wanted[] = [];
    await readGroup(reading, [one], take, lost);
    for (const { block, id } of lost) faults.push(faultOf(source.index, block, id));
  });
}

/** Looks what cannot be found up once more: another process may have stored it. */
async function locateAll(
  source: BlockSource,
  wanted: readonly BlockWanted[],
  faults: BlockFault[],
): Promise<Wanted[]> {
  const unknown = wanted.some(({ id }) => source.index.find(id) === undefined);
  if (unknown) await source.refresh();
  return locate(source.index, wanted, faults);
}

function locate(index: BlockIndex, wanted: readonly BlockWanted[], faults: BlockFault[]): Wanted[] {
  return wanted.flatMap(({ block, id }) => {
    const at = index.find(id);
    if (at !== undefined && at.lengthBytes <= sealedStride && at.kind !== blockKinds.node) {
      return [{ block, id, at }];
    }
    faults.push(faultOf(index, block, id));
    return [];
  });
}

function groups(wanted: readonly Wanted[]): Wanted[][] {
  const sorted = wanted.toSorted(
    (a, b) => a.at.pack - b.at.pack || a.at.offsetBytes - b.at.offsetBytes,
  );
  const result: Wanted[][] = [];
  let end = 0;
  for (const one of sorted) {
    const last = result.at(-1);
    const near = one.at.offsetBytes - end <= gapBytesMax;
    if (last !== undefined && last[0]?.at.pack === one.at.pack && near) last.push(one);
    else result.push([one]);
    end = one.at.offsetBytes + one.at.lengthBytes;
  }
  return result;
}

async function readGroup(
  { source, room, signal }: Reading,
  group: readonly Wanted[],
  take: (wanted: Wanted, sealed: Uint8Array) => void,
  missed: Wanted[],
): Promise<void> {
  const first = must(group[0], 'a group has a block').at;
  const last = must(group.at(-1), 'a group has a block').at;
  const lengthBytes = last.offsetBytes + last.lengthBytes - first.offsetBytes;
  const range = { offsetBytes: first.offsetBytes, lengthBytes };
  let bytes: Uint8Array;
  try {
    const name = packName(source.index.pack(first.pack).packId);
    const into = room.take(lengthBytes);
    bytes = await source.store.get(name, { range, into, ...(signal !== undefined && { signal }) });
  } catch (error) {
    if (!isOperatingError(error, 'not_found') && !isOperatingError(error, 'corrupt')) throw error;
    missed.push(...group);
    return;
  }
  for (const wanted of group) {
    const start = wanted.at.offsetBytes - first.offsetBytes;
    take(wanted, bytes.subarray(start, start + wanted.at.lengthBytes));
  }
}

export function faultOf(index: BlockIndex, block: number, id: Uint8Array): BlockFault {
  const at = index.find(id);
  const short = hexOf(id).slice(0, 16);
  if (at === undefined) {
    const message = `the block ${short}… is in no pack: a pack is missing or damaged`;
    return { block, object: 'packs/', error: new OperatingError('corrupt', message) };
  }
  const object = packName(index.pack(at.pack).packId);
  const message = `the block ${short}… in ${object} is damaged`;
  return { block, object, error: new OperatingError('corrupt', message) };
}
