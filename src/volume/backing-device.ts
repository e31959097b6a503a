import { OperatingError } from '../base/errors.ts';
import { MiB } from '../base/bytes.ts';
import { appendExtent, type Extent } from '../base/extent.ts';
import { must } from '../base/assert.ts';
import { backedBlockBytes, blocksOfPage } from '../layer/backing.ts';
import type { BlockDevice } from './block-device.ts';
import type { Backing, BackingSource } from './hydration.ts';

/** Blocks that are asked of the source at once: 1 MiB. */
const blocksAtOnce = 16;
const pageOfBytes = blocksOfPage * backedBlockBytes;

/**
 * A backup as a disk, read-only, straight from where it is. What was read stays in memory, at most
 * `cacheBytes` of it, the longest unused going first; reads in order fetch a little ahead.
 */
export class BackingDevice implements BlockDevice {
  readonly readOnly = true;
  readonly lengthBytes: number;
  readonly #source: BackingSource;
  readonly #backing: Backing;
  readonly #blocksMax: number;
  /** By block; the one that was used last is last. */
  readonly #blocks = new Map<number, Promise<Uint8Array>>();
  #nextBlock = 0;

  constructor(source: BackingSource, backing: Backing, { cacheBytes = 64 * MiB } = {}) {
    this.#source = source;
    this.#backing = backing;
    this.lengthBytes = backing.lengthBytes;
    this.#blocksMax = Math.max(blocksAtOnce, Math.floor(cacheBytes / backedBlockBytes));
  }

  async read(offsetBytes: number, target: Uint8Array): Promise<void> {
    const endBytes = offsetBytes + target.byteLength;
    // Pieces bound what is in memory, whatever is asked for at once.
    const pieceBytes = blocksAtOnce * backedBlockBytes;
    for (let at = offsetBytes; at < endBytes;) {
      const end = Math.min(endBytes, (Math.floor(at / pieceBytes) + 1) * pieceBytes);
      await this.#readPiece(at, target.subarray(at - offsetBytes, end - offsetBytes));
      at = end;
    }
  }

  async extents(offsetBytes: number, lengthBytes: number): Promise<Extent[]> {
    const extents: Extent[] = [];
    const endBytes = offsetBytes + lengthBytes;
    let bits = new Uint8Array();
    let page = -1;
    for (let at = offsetBytes; at < endBytes;) {
      if (Math.floor(at / pageOfBytes) !== page) {
        page = Math.floor(at / pageOfBytes);
        bits = Uint8Array.from(await this.#source.blocks(this.#backing, page));
      }
      const block = Math.floor(at / backedBlockBytes);
      const end = Math.min(endBytes, (block + 1) * backedBlockBytes);
      const index = block % blocksOfPage;
      const isData = (((bits[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
      const kind = isData ? 'data' : 'absent';
      appendExtent(extents, { offsetBytes: at, lengthBytes: end - at, kind });
      at = end;
    }
    return extents;
  }

  write(): Promise<never> {
    return Promise.reject(refusal());
  }

  zero(): Promise<never> {
    return Promise.reject(refusal());
  }

  trim(): Promise<never> {
    return Promise.reject(refusal());
  }

  /** There is nothing to make durable. */
  async flush(): Promise<void> {
    // Nothing was written.
  }

  async close(): Promise<void> {
    this.#blocks.clear();
  }

  async #readPiece(offsetBytes: number, target: Uint8Array): Promise<void> {
    const endBytes = offsetBytes + target.byteLength;
    const first = Math.floor(offsetBytes / backedBlockBytes);
    const end = Math.ceil(endBytes / backedBlockBytes);
    const isInOrder = first === this.#nextBlock || first + 1 === this.#nextBlock;
    const groupEnd = (Math.floor(first / blocksAtOnce) + 1) * blocksAtOnce;
    this.#fetch(first, isInOrder ? groupEnd : end);
    this.#nextBlock = end;
    // All are taken before the first wait, in which others may drop them.
    const blocks = Array.from({ length: end - first }, (_, index) => this.#use(first + index));
    for (const [index, bytes] of (await Promise.all(blocks)).entries()) {
      const startBytes = (first + index) * backedBlockBytes;
      const from = Math.max(offsetBytes, startBytes);
      const to = Math.min(endBytes, startBytes + backedBlockBytes);
      target.set(bytes.subarray(from - startBytes, to - startBytes), from - offsetBytes);
    }
  }

  #use(block: number): Promise<Uint8Array> {
    const bytes = must(this.#blocks.get(block), 'a block that was fetched');
    this.#blocks.delete(block);
    this.#blocks.set(block, bytes);
    return bytes;
  }

  /** Begins to fetch what is not there of these blocks. */
  #fetch(first: number, end: number): void {
    const limit = Math.min(end, Math.ceil(this.lengthBytes / backedBlockBytes));
    for (let block = first; block < limit;) {
      if (this.#blocks.has(block)) {
        void this.#use(block);
        block += 1;
        continue;
      }
      let stop = block + 1;
      while (stop < limit && !this.#blocks.has(stop)) stop += 1;
      const run = this.#fetchRun(block, stop);
      for (let each = block; each < stop; each += 1) this.#keep(each, block, run);
      block = stop;
    }
    for (const block of this.#blocks.keys()) {
      if (this.#blocks.size <= this.#blocksMax) break;
      if (block >= first && block < end) break;
      this.#blocks.delete(block);
    }
  }

  #keep(block: number, firstOfRun: number, run: Promise<Uint8Array>): void {
    const from = (block - firstOfRun) * backedBlockBytes;
    const bytes = run.then((all) => all.slice(from, from + backedBlockBytes));
    this.#blocks.set(block, bytes);
    // What could not be had is asked for again the next time; whoever waits is told.
    bytes.catch(() => {
      if (this.#blocks.get(block) === bytes) this.#blocks.delete(block);
    });
  }

  async #fetchRun(first: number, end: number): Promise<Uint8Array> {
    const memory = new Uint8Array(new SharedArrayBuffer((end - first) * backedBlockBytes));
    const offsetBytes = first * backedBlockBytes;
    const lengthBytes = Math.min(memory.byteLength, this.lengthBytes - offsetBytes);
    await this.#source.read(this.#backing, offsetBytes, memory.subarray(0, lengthBytes));
    return memory;
  }
}

function refusal(): OperatingError {
  return new OperatingError('read_only', 'A backup cannot be changed.');
}
