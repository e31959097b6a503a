import { assert } from '../base/assert.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { type Backing, backedBlockBytes, type BackingSource, blocksOfPage } from './backing.ts';
import type { OnBytes } from './direct-reads.ts';
import type { MemoryRange } from '../base/memory-range.ts';
import { settleAll } from '../base/serial.ts';
import type { Reading } from './file-operations.ts';
import type { FilePool } from './file-pool.ts';
import type { LayerRecord } from './layer-record.ts';
import type { LayerOptions } from './layer.ts';
import { Layer } from './layer.ts';
import { kindAt, pageBytes, pageSectors, setKinds } from './map-page.ts';
import { data, sectorBytes, sectorsIn } from './sector.ts';

const sectorsOfBlock = backedBlockBytes / sectorBytes;
/** Blocks that are asked of the source at once: 1 MiB. */
const blocksAtOnce = 16;

/** Blocks on their way from the source. */
interface Fetch {
  readonly firstBlock: number;
  readonly bytes: Promise<Uint8Array>;
}

/**
 * The oldest layer of a volume that is restored while it is in use: it shows all that its backup
 * holds, and has what was fetched or filled in so far.
 *
 * Invariants:
 * - Nobody writes to it but to fill in what the backup holds, so that it does not matter who does
 *   so, when and how often: the bytes are the same.
 * - A block of the backup is in the layer whole, marked as data, or not at all; it is marked after
 *   its bytes are in the file, like every sector of every layer. So the death of the process at any
 *   point costs fetching again, at most.
 * - It claims every sector that the backup holds data for. Where the backup's map cannot be had, it
 *   claims all that is not there yet: to read a hole through it is no mistake.
 * - When all is there and durable, the backing goes out of its record, and it is a layer like any
 *   other; until then nothing is merged into it.
 */
export class BackedLayer extends Layer {
  readonly #source: BackingSource;
  /** Where the backup holds data, by page: 128 bytes for 64 MiB. */
  readonly #blocks = new Map<number, Uint8Array>();
  /** What is being fetched, by block. */
  readonly #fetching = new Map<number, Fetch>();

  constructor(
    folder: string,
    record: LayerRecord,
    pool: FilePool,
    options: LayerOptions & { source: BackingSource },
  ) {
    assert(record.backing !== undefined && record.parent === null, 'the oldest layer is backed');
    super(folder, record, pool, options);
    this.#source = options.source;
  }

  override isSilent(page: number): boolean {
    return this.record.backing === undefined && super.isSilent(page);
  }

  override async readPage(page: number): Promise<Uint8Array | undefined> {
    const own = await this.map.readPage(page);
    const { backing } = this.record;
    if (backing === undefined || page * pageSectors >= sectorsIn(backing.lengthBytes)) return own;
    const blocks = await this.#blocksOrAll(backing, page);
    const shown = own === undefined ? new Uint8Array(pageBytes) : Uint8Array.from(own);
    for (let block = 0; block < blocksOfPage; block += 1) {
      if (!hasBit(blocks, block)) continue;
      const { from, to } = sectorsOf(backing, page * blocksOfPage + block);
      setKinds(shown, from - page * pageSectors, to - page * pageSectors, data);
    }
    return shown;
  }

  /** Fills `target` from what is there, and from the source what is not. */
  override async read(offsetBytes: number, target: Uint8Array): Promise<void> {
    const endBytes = offsetBytes + target.byteLength;
    const firstBlock = Math.floor(offsetBytes / backedBlockBytes);
    const endBlock = Math.ceil(endBytes / backedBlockBytes);
    for (let loading = this.#loadMap(firstBlock, endBlock); loading !== undefined;) {
      await loading;
      loading = this.#loadMap(firstBlock, endBlock);
    }
    const parts: Promise<void>[] = [];
    for (let block = firstBlock; block < endBlock;) {
      const isThere = this.#isThere(block);
      let end = block + 1;
      while (end < endBlock && this.#isThere(end) === isThere) end += 1;
      const from = Math.max(offsetBytes, block * backedBlockBytes);
      const to = Math.min(endBytes, end * backedBlockBytes);
      const part = target.subarray(from - offsetBytes, to - offsetBytes);
      if (isThere) parts.push(super.read(from, part));
      else if (this.record.backing === undefined) parts.push(this.#readWhole(from, part));
      else parts.push(this.#readMissing(from, part));
      block = end;
    }
    await settleAll(parts);
  }

  /** Only what is there; whether it is, the map in memory tells. */
  override readNow(offsetBytes: number, target: Uint8Array, onEnd?: OnBytes): Reading {
    if (!this.#isAllThere(offsetBytes, target.byteLength)) return 'refused';
    return super.readNow(offsetBytes, target, onEnd);
  }

  override locate(offsetBytes: number, lengthBytes: number): MemoryRange | undefined {
    if (!this.#isAllThere(offsetBytes, lengthBytes)) return undefined;
    return super.locate(offsetBytes, lengthBytes);
  }

  /** The runs of blocks of one page that the backup has and the layer has not, in bytes. */
  async missing(page: number): Promise<{ offsetBytes: number; lengthBytes: number }[]> {
    const { backing } = this.record;
    if (backing === undefined || page * pageSectors >= sectorsIn(backing.lengthBytes)) return [];
    const blocks = await this.#blocksOf(backing, page);
    const base = page * blocksOfPage;
    for (let loading = this.#loadMap(base, base + 1); loading !== undefined;) {
      await loading;
      loading = this.#loadMap(base, base + 1);
    }
    const runs: { offsetBytes: number; lengthBytes: number }[] = [];
    for (let block = 0; block < blocksOfPage; block += 1) {
      if (!hasBit(blocks, block) || this.#isThere(base + block)) continue;
      const offsetBytes = (base + block) * backedBlockBytes;
      const lengthBytes = Math.min(backedBlockBytes, backing.lengthBytes - offsetBytes);
      const last = runs.at(-1);
      if (last !== undefined && last.offsetBytes + last.lengthBytes === offsetBytes) {
        runs[runs.length - 1] = { ...last, lengthBytes: last.lengthBytes + lengthBytes };
      } else runs.push({ offsetBytes, lengthBytes });
    }
    return runs;
  }

  /** Takes whole blocks of the backup, the last of which ends with it. */
  async fill(offsetBytes: number, content: Uint8Array): Promise<void> {
    const { backing } = this.record;
    if (backing === undefined) return;
    const endBytes = offsetBytes + content.byteLength;
    assert(offsetBytes % backedBlockBytes === 0, 'a block is filled in whole');
    assert(
      endBytes % backedBlockBytes === 0 || endBytes === backing.lengthBytes,
      'up to its end, or that of the backup',
    );
    await this.write(offsetBytes, wholeSectors(content));
    await this.mark(offsetBytes / sectorBytes, sectorsIn(endBytes), data);
    if (this.isFull) await this.makeRoom();
  }

  /**
   * Makes durable what was filled in, and notes that all before `doneBytes` is there; at the end of
   * the backup the layer is whole, and has no backing any more.
   */
  async advance(doneBytes: number): Promise<void> {
    await this.flush();
    const { backing } = this.record;
    if (backing === undefined) return;
    const isWhole = doneBytes >= backing.lengthBytes;
    await this.rewrite({ backing: isWhole ? undefined : { ...backing, doneBytes } });
    if (isWhole) this.#blocks.clear();
  }

  /** What was fetched is kept for the next process. */
  override async close(): Promise<void> {
    if (this.failure === undefined) await this.flush();
    await super.close();
  }

  /** Undefined when the pages are in memory, until others get a turn. */
  #loadMap(firstBlock: number, endBlock: number): Promise<void> | undefined {
    return this.loadMap(firstBlock * sectorsOfBlock, endBlock * sectorsOfBlock);
  }

  /** True when it is known without a wait that the layer has the range. */
  #isAllThere(offsetBytes: number, lengthBytes: number): boolean {
    const firstBlock = Math.floor(offsetBytes / backedBlockBytes);
    const endBlock = Math.ceil((offsetBytes + lengthBytes) / backedBlockBytes);
    const lastPage = Math.floor((endBlock - 1) / blocksOfPage);
    if (!this.map.isLoaded(Math.floor(firstBlock / blocksOfPage), lastPage)) return false;
    for (let block = firstBlock; block < endBlock; block += 1) {
      if (!this.#isThere(block)) return false;
    }
    return true;
  }

  /** Whether a block, whose page is loaded, can be read from the file. */
  #isThere(block: number): boolean {
    const { backing } = this.record;
    const from = block * sectorsOfBlock;
    const end = sectorsIn(backing?.lengthBytes ?? this.record.lengthBytes);
    return this.map.isAll(from, Math.min(from + sectorsOfBlock, Math.max(end, from + 1)), data);
  }

  /** Reads through a layer that has become whole what it was asked for as long as it was not. */
  async #readWhole(offsetBytes: number, target: Uint8Array): Promise<void> {
    target.fill(0);
    for (let done = 0; done < target.byteLength;) {
      const at = offsetBytes + done;
      const sector = Math.floor(at / sectorBytes);
      const count = Math.min(target.byteLength - done, (sector + 1) * sectorBytes - at);
      const page = (await this.map.readPage(Math.floor(sector / pageSectors))) ?? nothing;
      if (kindAt(page, sector % pageSectors) === data) {
        await super.read(at, target.subarray(done, done + count));
      }
      done += count;
    }
  }

  async #readMissing(offsetBytes: number, target: Uint8Array): Promise<void> {
    const endBytes = offsetBytes + target.byteLength;
    const fetches = new Set<Fetch>();
    for (let at = offsetBytes; at < endBytes;) {
      const block = Math.floor(at / backedBlockBytes);
      fetches.add(this.#fetching.get(block) ?? this.#fetch(block, endBytes));
      at = (block + 1) * backedBlockBytes;
    }
    for (const { firstBlock, bytes } of fetches) {
      const content = await bytes;
      const startBytes = firstBlock * backedBlockBytes;
      const from = Math.max(offsetBytes, startBytes);
      const to = Math.min(endBytes, startBytes + content.byteLength);
      if (from >= to) continue;
      target.set(content.subarray(from - startBytes, to - startBytes), from - offsetBytes);
    }
  }

  /** Fetches blocks from one on that are neither there nor on their way, and keeps them. */
  #fetch(firstBlock: number, endBytes: number): Fetch {
    const groupEnd = (Math.floor(firstBlock / blocksAtOnce) + 1) * blocksAtOnce;
    const endMax = Math.min(groupEnd, Math.ceil(endBytes / backedBlockBytes));
    let endBlock = firstBlock + 1;
    while (endBlock < endMax && !this.#fetching.has(endBlock)) endBlock += 1;
    const fetch: Fetch = {
      firstBlock,
      bytes: this.#fetchNow(firstBlock, endBlock).finally(() => {
        for (let block = firstBlock; block < endBlock; block += 1) this.#fetching.delete(block);
      }),
    };
    for (let block = firstBlock; block < endBlock; block += 1) this.#fetching.set(block, fetch);
    return fetch;
  }

  async #fetchNow(firstBlock: number, endBlock: number): Promise<Uint8Array> {
    const { backing } = this.record;
    const memory = new Uint8Array(
      new SharedArrayBuffer((endBlock - firstBlock) * backedBlockBytes),
    );
    const offsetBytes = firstBlock * backedBlockBytes;
    const lengthBytes = Math.min(memory.byteLength, (backing?.lengthBytes ?? 0) - offsetBytes);
    if (backing === undefined) {
      await this.#readWhole(offsetBytes, memory);
      return memory;
    }
    const content = memory.subarray(0, lengthBytes);
    try {
      await this.#source.read(backing, offsetBytes, content);
    } catch (error) {
      throw unavailable(error);
    }
    try {
      await this.fill(offsetBytes, content);
    } catch (error) {
      // A reader gets the bytes all the same: they are fetched again when they are wanted again.
      if (!isOperatingError(error)) throw error;
    }
    return memory;
  }

  async #blocksOrAll(backing: Backing, page: number): Promise<Uint8Array> {
    try {
      return await this.#blocksOf(backing, page);
    } catch (error) {
      if (!isOperatingError(error)) throw error;
      return new Uint8Array(blocksOfPage / 8).fill(0xff);
    }
  }

  async #blocksOf(backing: Backing, page: number): Promise<Uint8Array> {
    const known = this.#blocks.get(page);
    if (known !== undefined) return known;
    const blocks = await this.#source.blocks(backing, page);
    this.#blocks.set(page, blocks);
    return blocks;
  }
}

/** The sectors of a block within the backup. */
function sectorsOf(backing: Backing, block: number): { from: number; to: number } {
  const from = block * sectorsOfBlock;
  return { from, to: Math.min(from + sectorsOfBlock, sectorsIn(backing.lengthBytes)) };
}

/** A page of which every sector is absent. */
const nothing = new Uint8Array(pageBytes);

function hasBit(bits: Uint8Array, index: number): boolean {
  return (((bits[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
}

/** The content with zeros up to the end of its last sector. */
function wholeSectors(content: Uint8Array): Uint8Array {
  const lengthBytes = sectorsIn(content.byteLength) * sectorBytes;
  if (lengthBytes === content.byteLength) return content;
  const whole = new Uint8Array(lengthBytes);
  whole.set(content);
  return whole;
}

/** Bytes that cannot be had just now are an I/O error to whoever reads a disk. */
function unavailable(error: unknown): unknown {
  if (!isOperatingError(error) || error.code === 'corrupt') return error;
  const message = `The backup under this volume cannot be read: ${error.message}`;
  return new OperatingError('io', message, { cause: error });
}
