/**
 * Reads one backup. Every byte that is handed out was checked against the id of its block.
 *
 * Memory is bounded by the slots of the repository, whatever the size of the backup: `restore`
 * works on a chunk of at most 16 neighbouring blocks in each slot, several at a time.
 */
import { assert, assertBytes } from '../base/assert.ts';
import { throwIfAborted } from '../base/abort.ts';
import { isOperatingError } from '../base/errors.ts';
import { appendExtent, type Extent } from '../base/extent.ts';
import { blockBytes, chunkBlocks, idBytes, isZeroId, leafBytes, nodeIds } from './block.ts';
import { type BlockSource, fetchBlocks } from './fetch.ts';
import { Frontier } from './frontier.ts';
import { leavesOf } from './map-walk.ts';
import type { MapRoot } from './map.ts';
import type { NodeReader } from './nodes.ts';
import type { ReaderHold } from './reader-leases.ts';
import type { SlotPool } from './slot.ts';

export interface ByteSpan {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** Takes a run of a backup's bytes; `data` is only lent until the promise settles. */
export type RestoreSink = (offsetBytes: number, data: Uint8Array) => Promise<void>;

export interface RestoreOptions {
  /** What to read; the whole backup by default. In order, without overlap, in whole blocks. */
  readonly ranges?: readonly ByteSpan[];
  readonly signal?: AbortSignal;
  /** How many runs are under way at once at most; as many as there is memory for by default. */
  readonly parallel?: number;
  readonly onProgress?: (progress: RestoreProgress) => void;
}

export interface RestoreProgress {
  readonly bytesDone: number;
  /** The sink has taken all that the ranges hold before this. */
  readonly frontierBytes: number;
  /** How much of `bytesDone` lies before that. */
  readonly settledBytes: number;
}

export interface ReaderSetup {
  readonly source: BlockSource;
  readonly nodes: NodeReader;
  readonly slots: SlotPool;
  readonly slotCount: number;
  readonly root: MapRoot;
  readonly lengthBytes: number;
  /** Released once, by `close`. */
  readonly hold: ReaderHold;
}

/** Neighbouring blocks that hold data. */
export interface BlockRun {
  readonly offsetBytes: number;
  readonly ids: readonly Uint8Array[];
}

export class BackupReader {
  readonly lengthBytes: number;
  readonly #setup: ReaderSetup;
  #closed = false;

  constructor(setup: ReaderSetup) {
    this.#setup = setup;
    this.lengthBytes = setup.lengthBytes;
  }

  /**
   * The whole backup as runs of blocks that hold data and runs that are absent, from the map alone.
   */
  async *extents(signal?: AbortSignal): AsyncGenerator<Extent> {
    let pending: Extent[] = [];
    let end = 0;
    const add = (offsetBytes: number, until: number, kind: Extent['kind']): void => {
      const lengthBytes = Math.min(until, this.lengthBytes) - offsetBytes;
      appendExtent(pending, { offsetBytes, lengthBytes, kind });
    };
    for await (const run of this.#runs(this.#whole(), nodeIds, signal)) {
      add(end, run.offsetBytes, 'absent');
      end = Math.min(this.lengthBytes, run.offsetBytes + run.ids.length * blockBytes);
      add(run.offsetBytes, end, 'data');
      yield* pending.slice(0, -1);
      pending = pending.slice(-1);
    }
    add(end, this.lengthBytes, 'absent');
    yield* pending;
  }

  /**
   * Hands every byte of data in the ranges to `sink`, in runs of up to 1 MiB; holes are left out.
   * Runs come in no promised order and several calls of the sink are under way at once. Rejects
   * with `corrupt` at the first block that is damaged, and with whatever the sink rejects with.
   */
  async restore(sink: RestoreSink, options: RestoreOptions = {}): Promise<void> {
    const { source, slots, slotCount } = this.#setup;
    const { signal, onProgress } = options;
    const failed = new AbortController();
    const runs = this.#runsOf(options.ranges ?? [this.#whole()], signal);
    const frontier = new Frontier();
    let bytesDone = 0;
    const work = async (): Promise<void> => {
      for await (const run of runs) {
        if (failed.signal.aborted) return;
        throwIfAborted(signal);
        const ticket = frontier.take();
        const slot = await slots.take();
        try {
          const faults = await fetchBlocks(source, slot, run.ids, signal);
          if (faults[0] !== undefined) throw this.#setup.hold.explain(faults[0].error);
          const wanted = run.ids.length * blockBytes;
          const lengthBytes = Math.min(wanted, this.lengthBytes - run.offsetBytes);
          await sink(run.offsetBytes, slot.plain.subarray(0, lengthBytes));
          bytesDone += lengthBytes;
          frontier.settle(ticket, run.offsetBytes + lengthBytes, lengthBytes);
          const { bytes: frontierBytes, settledBytes } = frontier;
          onProgress?.({ bytesDone, frontierBytes, settledBytes });
        } finally {
          slots.give(slot);
        }
      }
    };
    const length = Math.min(slotCount, options.parallel ?? slotCount);
    const works = Array.from({ length }, async () => {
      try {
        await work();
      } catch (error) {
        failed.abort();
        throw error;
      }
    });
    const outcomes = await Promise.allSettled(works);
    const broken = outcomes.find((outcome) => outcome.status === 'rejected');
    if (broken !== undefined) throw broken.reason;
  }

  /**
   * Fills `target` with the bytes of whole blocks from `offsetBytes` on, zeros where the backup has
   * none. Rejects with `corrupt` when one of them is damaged.
   */
  async read(offsetBytes: number, target: Uint8Array, signal?: AbortSignal): Promise<void> {
    assertBytes(offsetBytes, 'offsetBytes');
    assert(offsetBytes % blockBytes === 0, 'a read begins with a block');
    assert(offsetBytes + target.length <= this.lengthBytes, 'a read lies within the backup');
    target.fill(0);
    const ranges = [{ offsetBytes, lengthBytes: target.length }];
    const take = async (at: number, data: Uint8Array): Promise<void> => {
      const start = at - offsetBytes;
      target.set(data.subarray(0, target.length - start), start);
    };
    await this.restore(take, signal === undefined ? { ranges } : { ranges, signal });
  }

  /**
   * Which of the 1,024 blocks from `offsetBytes` on hold data: a bit for each, the first in the
   * lowest bit of the first of 128 bytes. `offsetBytes` is a multiple of 64 MiB.
   */
  async blocksAt(offsetBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
    assert(offsetBytes % leafBytes === 0, 'a leaf begins there');
    const bits = new Uint8Array(nodeIds / 8);
    const range = { offsetBytes, lengthBytes: leafBytes };
    for await (const run of this.#runs(range, nodeIds, signal)) {
      const first = (run.offsetBytes - offsetBytes) / blockBytes;
      for (let block = first; block < first + run.ids.length; block += 1) {
        bits[block >> 3] = (bits[block >> 3] ?? 0) | (1 << (block & 7));
      }
    }
    return bits;
  }

  /** Lets prune take what only this reader needs. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#setup.hold.release();
  }

  #whole(): ByteSpan {
    return { offsetBytes: 0, lengthBytes: this.lengthBytes };
  }

  async *#runsOf(ranges: readonly ByteSpan[], signal?: AbortSignal): AsyncGenerator<BlockRun> {
    for (const range of ranges) {
      assert(range.offsetBytes % blockBytes === 0, 'a range begins with a block');
      yield* this.#runs(range, chunkBlocks, signal);
    }
  }

  async *#runs(range: ByteSpan, blocksMax: number, signal?: AbortSignal): AsyncGenerator<BlockRun> {
    assert(!this.#closed, 'the reader is open');
    const { nodes, root, hold } = this.#setup;
    try {
      for await (const leaf of leavesOf(nodes, root, range, signal)) {
        yield* runsOfLeaf(leaf.offsetBytes, leaf.ids, range, blocksMax);
      }
    } catch (error) {
      throw isOperatingError(error, 'corrupt') ? hold.explain(error) : error;
    }
  }
}

/** The runs of blocks with data in a leaf; none crosses a multiple of `blocksMax`. */
export function* runsOfLeaf(
  leafAt: number,
  leaf: Uint8Array,
  range: ByteSpan,
  blocksMax: number,
): Generator<BlockRun> {
  const first = Math.max(0, Math.floor((range.offsetBytes - leafAt) / blockBytes));
  const rangeEnd = range.offsetBytes + range.lengthBytes;
  const end = Math.min(nodeIds, Math.ceil((rangeEnd - leafAt) / blockBytes));
  assert(leafAt % leafBytes === 0, 'a leaf has its place');
  let ids: Uint8Array[] = [];
  for (let at = first; at < end; at += 1) {
    const zero = isZeroId(leaf, at * idBytes);
    // A copy: the leaf is only lent.
    if (!zero) ids.push(new Uint8Array(leaf.subarray(at * idBytes, (at + 1) * idBytes)));
    const ends = zero || (at + 1) % blocksMax === 0 || at + 1 === end;
    if (!ends || ids.length === 0) continue;
    const last = zero ? at : at + 1;
    yield { offsetBytes: leafAt + (last - ids.length) * blockBytes, ids };
    ids = [];
  }
  assert(ids.length === 0, 'every run was handed out');
}
