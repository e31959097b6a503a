/**
 * How much of what is stored each backup needs alone, and how much it shares.
 *
 * Every map is walked once, and shared parts of it not at all; of each block the index notes what
 * is known so far: reached by the backup at hand (`fresh`), by one earlier backup (`old`), by
 * several (`shared`). A part that a second backup reaches is gone through once more, to become
 * shared; then it is never entered again. At the end each backup adds up what is still `old` in its
 * map. So the cost grows with what is stored, not with the number of backups times their size.
 */
import { throwIfAborted } from '../base/abort.ts';
import { isOperatingError } from '../base/errors.ts';
import { marks } from './block-table.ts';
import { blockKinds, hexOf, idBytes, isZeroId } from './block.ts';
import type { BlockSource } from './fetch.ts';
import type { Manifest } from './manifest.ts';
import type { DamagedManifest } from './manifests.ts';
import { NodeReader } from './nodes.ts';
import type { PatchBases } from './patch-bases.ts';

/** Bytes in the store. What is compressed counts as it is stored. */
export interface BackupSpace {
  /** What only this backup needs: about what its deletion gives back. */
  readonly exclusiveBytes: number;
  /** What it needs and others need too; what it holds in several places may count several times. */
  readonly sharedBytes: number;
  /** Of both, what is kept as patches on other blocks. */
  readonly patchBytes: number;
}

const states = { none: 0, fresh: marks.shared, old: marks.live, shared: marks.live | marks.shared };
const stateMask = marks.live | marks.shared;

/** What lies below a node, the node included. */
interface Sum {
  bytes: number;
  patchBytes: number;
}

/**
 * Measures all backups. Uses the marks of prune: a plan that was made before is not to be executed.
 * A backup whose map cannot be read whole is left out.
 */
export async function measureSpace(
  source: BlockSource,
  bases: PatchBases,
  list: () => AsyncIterable<Manifest | DamagedManifest>,
  signal?: AbortSignal,
): Promise<Map<string, BackupSpace>> {
  const measuring = new Measuring(source, bases, signal);
  const backups: { backupId: string; root: Uint8Array; depth: number; sum: Sum }[] = [];
  for await (const found of list()) {
    if ('error' in found) continue;
    const root = Buffer.from(found.map.rootId, 'hex');
    const { depth } = found.map;
    try {
      const sum = await measuring.reach(root, depth);
      await measuring.settle(root, depth);
      backups.push({ backupId: found.backupId, root, depth, sum });
    } catch (error) {
      if (!isOperatingError(error, 'corrupt')) throw error;
    }
  }
  const spaces = new Map<string, BackupSpace>();
  for (const { backupId, root, depth, sum } of backups) {
    const exclusiveBytes = await measuring.exclusive(root, depth);
    const sharedBytes = Math.max(0, sum.bytes - exclusiveBytes);
    spaces.set(backupId, { exclusiveBytes, sharedBytes, patchBytes: sum.patchBytes });
  }
  return spaces;
}

/**
 * What only these backups need, all of them together: what the store gives back when they are gone.
 * Rejects with `corrupt` when the map of a backup cannot be read. Uses the marks of prune as well.
 */
export async function measureTogether(
  source: BlockSource,
  bases: PatchBases,
  list: () => AsyncIterable<Manifest | DamagedManifest>,
  { backupIds, signal }: { backupIds: ReadonlySet<string>; signal: AbortSignal | undefined },
): Promise<number> {
  const measuring = new Measuring(source, bases, signal);
  const going: Manifest['map'][] = [];
  for await (const found of list()) {
    if ('error' in found) throw found.error;
    if (backupIds.has(found.backupId)) going.push(found.map);
    else await measuring.stays(Buffer.from(found.map.rootId, 'hex'), found.map.depth);
  }
  let bytes = 0;
  for (const { rootId, depth } of going) {
    bytes += await measuring.stays(Buffer.from(rootId, 'hex'), depth);
  }
  return bytes;
}

class Measuring {
  readonly #source: BlockSource;
  readonly #bases: PatchBases;
  readonly #nodes: NodeReader;
  readonly #signal: AbortSignal | undefined;
  /** By node: what lies below it, so that a shared part is counted without being entered. */
  readonly #sums = new Map<string, Sum>();

  constructor(source: BlockSource, bases: PatchBases, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#bases = bases;
    this.#nodes = new NodeReader(source);
    this.#signal = signal;
    source.index.table.clearMarks(marks.live);
    source.index.table.clearMarks(marks.shared);
    source.index.liveMarksOf = undefined;
  }

  /** Notes all below a node, and adds up what nobody noted before. */
  stays(id: Uint8Array, level: number): Promise<number> {
    return this.#enter(id, level, states.none, states.old);
  }

  /** Notes that the backup at hand reaches a node; level 0 is a block. */
  async reach(id: Uint8Array, level: number): Promise<Sum> {
    if (isZeroId(id)) return { bytes: 0, patchBytes: 0 };
    const before = this.#state(id);
    if (before === states.none) this.#set(id, states.fresh);
    else if (before === states.old) this.#set(id, states.shared);
    else if (level > 0) return this.#sums.get(hexOf(id)) ?? { bytes: 0, patchBytes: 0 };
    const sum = this.#sumOf(id);
    if (level === 0) {
      const baseId =
        before === states.fresh || before === states.shared ? undefined : this.#base(id);
      const base = await baseId;
      if (base !== undefined) sum.bytes += (await this.reach(base, 0)).bytes;
      return sum;
    }
    for await (const child of this.#children(id)) {
      const below = await this.reach(child, level - 1);
      sum.bytes += below.bytes;
      sum.patchBytes += below.patchBytes;
    }
    this.#sums.set(hexOf(id), sum);
    return sum;
  }

  /** What is fresh becomes old: the next backup is at hand. */
  async settle(id: Uint8Array, level: number): Promise<void> {
    await this.#enter(id, level, states.fresh, states.old);
  }

  /** Adds up what no other backup reaches, each block once. */
  exclusive(id: Uint8Array, level: number): Promise<number> {
    return this.#enter(id, level, states.old, states.fresh);
  }

  /** Goes through all below `id` that is in state `from`, puts it into `to`, and adds it up. */
  async #enter(id: Uint8Array, level: number, from: number, to: number): Promise<number> {
    if (isZeroId(id) || this.#state(id) !== from) return 0;
    this.#set(id, to);
    let { bytes } = this.#sumOf(id);
    if (level === 0) {
      const base = await this.#base(id);
      return base === undefined ? bytes : bytes + (await this.#enter(base, 0, from, to));
    }
    for await (const child of this.#children(id)) {
      bytes += await this.#enter(child, level - 1, from, to);
    }
    return bytes;
  }

  async *#children(id: Uint8Array): AsyncGenerator<Uint8Array> {
    throwIfAborted(this.#signal);
    const ids = await this.#nodes.read(id, this.#signal);
    if (ids === undefined) return;
    for (let at = 0; at < ids.length; at += idBytes) {
      if (!isZeroId(ids, at)) yield ids.subarray(at, at + idBytes);
    }
  }

  #base(id: Uint8Array): Promise<Uint8Array | undefined> | undefined {
    const at = this.#source.index.find(id);
    if (at?.kind !== blockKinds.patch) return undefined;
    return this.#bases.find(at).then((base) => base?.id);
  }

  #sumOf(id: Uint8Array): Sum {
    const at = this.#source.index.find(id);
    const bytes = at?.lengthBytes ?? 0;
    return { bytes, patchBytes: at?.kind === blockKinds.patch ? bytes : 0 };
  }

  #state(id: Uint8Array): number {
    return this.#source.index.table.marksOf(id) & stateMask;
  }

  #set(id: Uint8Array, state: number): void {
    this.#source.index.table.setMarks(id, stateMask, state);
  }
}
