/**
 * Writes one backup.
 *
 * Chunks are hashed, looked up, sealed and packed as they come; a leaf of the map is finished when
 * no chunk of it can still come, and stored like a block; the journal remembers it once it is
 * durable. `commit` keeps the order of durability: packs, then indexes, then the manifest.
 *
 * Pieces are begun (by `reserve` or `zero`) in the order of their offsets, do not overlap, and may
 * be submitted in any order. What is never mentioned stays as in the parent, or zero without one.
 */
import { assert, assertBytes, must } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { isoMicros } from '../base/clock.ts';
import { throwIfAborted } from '../base/abort.ts';
import { OperatingError } from '../base/errors.ts';
import { appendExtent, type Extent } from '../base/extent.ts';
import { blockBytes, blockCount, blockKinds, chunkBytes, hexOf, leafBytes } from './block.ts';
import { isZeroId, nodeBytes, nodeIds, zeroId } from './block.ts';
import { type BlockPlace, ChunkPipeline } from './chunk-pipeline.ts';
import type { BlockSource } from './fetch.ts';
import { Frontier, type Ticket } from './frontier.ts';
import type { Journal, JournalRecord } from './journal.ts';
import { LeafMemory, OpenLeaf } from './leaf.ts';
import type { Lease } from './lease.ts';
import { LeafList } from './leaf-list.ts';
import { type Manifest, type ManifestFacts, manifestName, sealManifest } from './manifest.ts';
import { MapBuilder } from './map-builder.ts';
import { depthOf, type MapRoot } from './map.ts';
import { leafIndexOf, nodeIdAt } from './map-walk.ts';
import type { NodeReader } from './nodes.ts';
import type { PatchBases } from './patch-bases.ts';
import { PackWriter } from './pack-writer.ts';
import { blockLabel, sealBytes, sealInto } from './seal.ts';
import type { Slot, SlotPool } from './slot.ts';
import { writeIndexes } from './write-indexes.ts';

/** How much memory of finished leaves is kept: 8 MiB for a full backup, all that it uses. */
const spareLeavesMax = 256;

/** A shared buffer to fill, of `chunkBytes`. */
export interface Chunk {
  readonly bytes: Uint8Array;
}

/** A part of a volume: whole blocks, but for the end of the volume. */
export interface Piece {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /**
   * A mask for each block, when it is known: all other sectors are as in the parent, so that a
   * block can be stored as a patch without a look at what the parent holds.
   */
  readonly changed?: Uint16Array;
}

export interface WriterProgress {
  readonly bytesSubmitted: number;
  /** Bytes that are safely in the store. */
  readonly bytesStored: number;
  readonly blocksNew: number;
  readonly blocksShared: number;
  readonly blocksZero: number;
}

export interface WriterSetup {
  readonly source: BlockSource;
  readonly nodes: NodeReader;
  readonly bases: PatchBases;
  readonly slots: SlotPool;
  readonly clock: Clock;
  readonly lengthBytes: number;
  readonly parent: MapRoot | undefined;
  readonly journal: Journal | undefined;
  /** The records of the journal that hold. */
  readonly done: readonly JournalRecord[];
  readonly signal: AbortSignal | undefined;
  /** Tells others that this writer is at work. */
  readonly lease: Lease;
  /** Called once when the writer ends, with the backup that it made, if it did. */
  readonly onEnd: (made: Manifest | undefined) => Promise<void>;
}

export class BackupWriter {
  /** The size of a chunk. A piece does not cross a multiple of it. */
  readonly chunkBytes = chunkBytes;
  readonly #setup: WriterSetup;
  readonly #packs: PackWriter;
  readonly #pipeline: ChunkPipeline;
  readonly #frontier = new Frontier();
  readonly #reserved = new Map<Chunk, { slot: Slot; ticket: Ticket }>();
  readonly #leaves = new Map<number, OpenLeaf>();
  readonly #finished = new LeafList();
  /** Memory of finished leaves for the next ones: a sparse volume has one a block, nearly. */
  readonly #spareLeaves: LeafMemory[] = [];
  /** What nodes are sealed into, before their pack takes a copy. */
  readonly #sealedNode = Buffer.allocUnsafeSlow(nodeBytes + sealBytes);
  readonly #doneLeaves: ReadonlySet<number>;
  readonly #work = new Set<Promise<void>>();
  readonly #unjournaled: (JournalRecord & { pack: number })[] = [];
  #journaling: Promise<void> = Promise.resolve();
  #durable = -1;
  #bytesSubmitted = 0;
  #failure: { error: unknown } | undefined;
  #ended = false;

  constructor(setup: WriterSetup) {
    const { source, bases, signal } = setup;
    this.#setup = setup;
    const onDurable = (pack: number): void => this.#noteDurable(pack);
    this.#packs = new PackWriter({ source, signal, onDurable });
    this.#pipeline = new ChunkPipeline({ source, packs: this.#packs, bases, signal });
    this.#doneLeaves = new Set(setup.done.map(({ leafIndex }) => leafIndex));
    for (const { leafIndex, id } of setup.done) this.#finished.add(leafIndex, id);
  }

  /** What an earlier, interrupted run has finished, in order; not to be handed over again. */
  done(): Extent[] {
    const extents: Extent[] = [];
    for (const leafIndex of [...this.#doneLeaves].sort((a, b) => a - b)) {
      const offsetBytes = leafIndex * leafBytes;
      const lengthBytes = Math.min(leafBytes, this.#setup.lengthBytes - offsetBytes);
      appendExtent(extents, { offsetBytes, lengthBytes, kind: 'data' });
    }
    return extents;
  }

  progress(): WriterProgress {
    const { bytesStored } = this.#packs;
    return { bytesSubmitted: this.#bytesSubmitted, bytesStored, ...this.#pipeline.counts };
  }

  /** A buffer to fill; waits when the pipeline is full. Rejects once anything went wrong. */
  async reserve(): Promise<Chunk> {
    this.#throwIfFailed();
    const ticket = this.#frontier.take();
    const slot = await this.#setup.slots.take();
    if (this.#failure !== undefined || this.#ended) {
      this.#setup.slots.give(slot);
      this.#throwIfFailed();
    }
    const chunk = { bytes: slot.plain };
    this.#reserved.set(chunk, { slot, ticket });
    return chunk;
  }

  /**
   * Hands over a chunk that holds `pieces`, in the order of their offsets, one behind the other,
   * each from the beginning of a block on. None crosses a multiple of `chunkBytes` of the volume.
   */
  submit(chunk: Chunk, pieces: readonly Piece[]): void {
    if (this.#ended) return;
    const reserved = this.#reserved.get(chunk);
    if (reserved === undefined && this.#failure !== undefined) return;
    const { slot, ticket } = must(reserved, 'a chunk that was reserved');
    this.#reserved.delete(chunk);
    const places: BlockPlace[] = [];
    let end = this.#frontier.bytes;
    for (const piece of pieces) {
      this.#checkPiece(piece);
      assert(piece.offsetBytes >= end, 'pieces come in the order of their offsets');
      end = piece.offsetBytes + piece.lengthBytes;
      this.#place(slot, places, piece);
    }
    const leaves = new Set(places.map(({ leaf }) => leaf));
    for (const leaf of leaves) leaf.pending += 1;
    this.#track(this.#process(slot, leaves, places));
    this.#frontier.settle(ticket, end);
    this.#finishLeaves(this.#frontier.bytes);
  }

  /** Adds the places of the blocks of a piece, which is behind the last one in the slot. */
  #place(slot: Slot, places: BlockPlace[], piece: Piece): void {
    const { offsetBytes, lengthBytes, changed } = piece;
    const leaf = this.#leaf(leafIndexOf(offsetBytes));
    const start = places.length * blockBytes;
    const count = blockCount(lengthBytes);
    assert(start + count * blockBytes <= chunkBytes, 'the pieces fit a chunk');
    slot.plain.fill(0, start + lengthBytes, start + count * blockBytes);
    for (let block = 0; block < count; block += 1) {
      const mask = changed?.[block];
      places.push({ leaf, offsetBytes: offsetBytes + block * blockBytes, changed: mask });
    }
    this.#bytesSubmitted += lengthBytes;
  }

  /** Says that a range holds only zeros, without any data. */
  zero(offsetBytes: number, lengthBytes: number): void {
    if (this.#ended) return;
    this.#checkRange(offsetBytes, lengthBytes);
    assert(offsetBytes >= this.#frontier.bytes, 'pieces come in the order of their offsets');
    const ticket = this.#frontier.take();
    const end = offsetBytes + blockCount(lengthBytes) * blockBytes;
    this.#pipeline.counts.blocksZero += blockCount(lengthBytes);
    for (let start = offsetBytes; start < end && this.#setup.parent !== undefined;) {
      const leafIndex = leafIndexOf(start);
      const next = Math.min(end, (leafIndex + 1) * leafBytes);
      if (next - start === leafBytes) this.#finished.add(leafIndex, zeroId);
      else this.#leaf(leafIndex).zero(start, (next - start) / blockBytes);
      start = next;
    }
    this.#frontier.settle(ticket, offsetBytes + lengthBytes);
    this.#finishLeaves(this.#frontier.bytes);
  }

  /**
   * Makes the backup durable and returns its manifest. Rejects with `exists` when there is a backup
   * with this id, `invalid_input` when the facts break a limit, or with whatever failed before;
   * there is no backup then, and `abort` is still to be called.
   */
  async commit(facts: ManifestFacts, createdAt?: string): Promise<Manifest> {
    assert(this.#reserved.size === 0, 'every reserved chunk was submitted');
    const { source, lengthBytes, parent, nodes, clock, signal } = this.#setup;
    const depth = depthOf(lengthBytes);
    await this.#settleWork();
    this.#finishLeaves(Infinity);
    await this.#settleWork();
    const store = (ids: Uint8Array): Promise<Uint8Array> => this.#storeNode(ids);
    const builder = new MapBuilder({ nodes, parent, depth, store });
    const rootId = await builder.build(this.#finished.inOrder());
    await this.#packs.flush();
    const indexes = await writeIndexes(source, { signal });
    const { blocksNew, blocksShared, blocksZero } = this.#pipeline.counts;
    const manifest: Manifest = {
      ...facts,
      formatVersion: 1,
      repositoryId: source.keys.repositoryId,
      createdAt: createdAt ?? isoMicros(clock.now()),
      lengthBytes,
      map: { rootId: hexOf(rootId), depth },
      statistics: {
        bytesRead: this.#bytesSubmitted,
        bytesNew: blocksNew * blockBytes,
        bytesStored: this.#packs.bytesStored + indexes.bytesStored,
        blocksNew,
        blocksShared,
        blocksZero,
        objectCount: this.#packs.packsStored + indexes.count + 1,
      },
    };
    throwIfAborted(signal);
    await this.#putManifest(manifest);
    await this.#end(manifest);
    return manifest;
  }

  /** Puts the manifest unless others may have taken this writer for dead, and pruned since. */
  async #putManifest(manifest: Manifest): Promise<void> {
    const { source, lease } = this.#setup;
    const name = manifestName(manifest.backupId);
    const sealed = sealManifest(source.keys, manifest);
    lease.throwUnlessHeld();
    await source.store.put(name, [sealed]);
    try {
      lease.throwUnlessHeld();
    } catch (error) {
      await source.store.remove(name);
      throw error;
    }
  }

  /** Gives up. Packs that were put stay, to be adopted or pruned. Does nothing after `commit`. */
  async abort(): Promise<void> {
    if (this.#ended) return;
    this.#failure ??= { error: new OperatingError('aborted', 'the backup was given up') };
    // Somebody may still be filling these, so that nobody else may have them.
    for (const chunk of this.#reserved.keys()) {
      this.#reserved.delete(chunk);
      this.#setup.slots.lose();
    }
    while (this.#work.size > 0) await Promise.allSettled(this.#work);
    await this.#packs.abort();
    await this.#end(undefined);
  }

  #checkPiece({ offsetBytes, lengthBytes }: Piece): void {
    this.#checkRange(offsetBytes, lengthBytes);
    const last = offsetBytes + lengthBytes - 1;
    assert(Math.floor(offsetBytes / chunkBytes) === Math.floor(last / chunkBytes), 'one chunk');
  }

  #checkRange(offsetBytes: number, lengthBytes: number): void {
    const { lengthBytes: volumeBytes } = this.#setup;
    assertBytes(offsetBytes, 'offsetBytes');
    assertBytes(lengthBytes, 'lengthBytes');
    const end = offsetBytes + lengthBytes;
    assert(offsetBytes % blockBytes === 0, 'a piece begins with a block');
    assert(lengthBytes > 0 && end <= volumeBytes, 'a piece lies within the volume');
    assert(end % blockBytes === 0 || end === volumeBytes, 'a piece ends with a block');
  }

  async #process(
    slot: Slot,
    leaves: ReadonlySet<OpenLeaf>,
    places: readonly BlockPlace[],
  ): Promise<void> {
    try {
      this.#throwIfFailed();
      await this.#pipeline.process(slot, places);
    } finally {
      this.#setup.slots.give(slot);
    }
    for (const leaf of leaves) leaf.pending -= 1;
    this.#finishLeaves(this.#frontier.bytes);
  }

  #leaf(leafIndex: number): OpenLeaf {
    assert(!this.#doneLeaves.has(leafIndex), 'what is done is not handed over again');
    const known = this.#leaves.get(leafIndex);
    if (known !== undefined) return known;
    const { nodes, parent } = this.#setup;
    const memory = this.#spareLeaves.pop()?.clear() ?? new LeafMemory();
    const leaf = new OpenLeaf(leafIndex, memory, async () => {
      if (parent === undefined) return undefined;
      return nodes.readInto(memory.base, await nodeIdAt(nodes, parent, 1, leafIndex));
    });
    this.#leaves.set(leafIndex, leaf);
    return leaf;
  }

  /** Finishes the leaves that end at or before `bytes` and wait for nothing. */
  #finishLeaves(bytes: number): void {
    for (const leaf of this.#leaves.values()) {
      if (leaf.pending > 0 || leaf.endBytes > bytes) continue;
      this.#leaves.delete(leaf.leafIndex);
      this.#track(this.#finishLeaf(leaf));
    }
  }

  async #finishLeaf(leaf: OpenLeaf): Promise<void> {
    const id = await this.#storeNode(await leaf.finish());
    if (this.#spareLeaves.length < spareLeavesMax) this.#spareLeaves.push(leaf.memory);
    this.#finished.add(leaf.leafIndex, id);
    this.#unjournaled.push({ leafIndex: leaf.leafIndex, id, pack: this.#packs.last });
    this.#noteDurable(this.#durable);
  }

  async #storeNode(ids: Uint8Array): Promise<Uint8Array> {
    let zero = true;
    for (let at = 0; at < nodeIds && zero; at += 1) zero = isZeroId(ids, at * zeroId.length);
    if (zero) return zeroId;
    const { keys, index } = this.#setup.source;
    const id = keys.idOf(ids);
    if (index.use(id) || this.#packs.holds(id)) return id;
    await this.#packs.room();
    const label = blockLabel(blockKinds.node, id);
    const length = sealInto(this.#sealedNode, keys.blockKey(id[0] ?? 0), label, ids);
    this.#packs.add(blockKinds.node, id, this.#sealedNode.subarray(0, length));
    return id;
  }

  /** Writes down the leaves that are in packs up to number `pack`, which are durable. */
  #noteDurable(pack: number): void {
    this.#durable = pack;
    const { journal } = this.#setup;
    if (journal === undefined) return;
    while (this.#unjournaled.length > 0) {
      const first = must(this.#unjournaled[0], 'record');
      if (first.pack > pack) return;
      this.#unjournaled.shift();
      this.#journaling = this.#journaling.then(() => journal.append(first));
      this.#track(this.#journaling);
    }
  }

  /** Remembers work under way, and its failure. */
  #track(work: Promise<void>): void {
    const settled = work.then(
      () => undefined,
      (error: unknown) => {
        this.#failure ??= { error };
      },
    );
    this.#work.add(settled);
    void settled.then(() => this.#work.delete(settled));
  }

  async #settleWork(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
    this.#throwIfFailed();
  }

  #throwIfFailed(): void {
    throwIfAborted(this.#setup.signal);
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#packs.throwIfFailed();
    assert(!this.#ended, 'the writer is open');
  }

  async #end(made: Manifest | undefined): Promise<void> {
    this.#ended = true;
    const ended = this.#setup.onEnd(made);
    await Promise.all(this.#work);
    await ended;
    await this.#setup.journal?.close();
  }
}
