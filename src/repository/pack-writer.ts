/**
 * Gathers sealed blocks into packs and puts them into the store.
 *
 * One pack is being filled and at most `uploadsMax` are being put, each in a buffer of its own: the
 * memory is bounded by three packs. Packs are numbered in the order in which they are filled;
 * `durable` tells up to which number every pack is in the store. The first failure is kept, and
 * every later call rejects with it.
 */
import { assert } from '../base/assert.ts';
import { MiB } from '../base/bytes.ts';
import { newHexId } from '../base/ids.ts';
import { BlockTable } from './block-table.ts';
import type { BlockKind } from './block.ts';
import type { BlockSource } from './fetch.ts';
import { DirectoryBuilder, encodeTrailer, packEntriesMax, packName } from './pack-format.ts';
import type { PatchBase } from './patch.ts';
import { objectLabel, seal } from './seal.ts';
import type { Draft } from '../store/store.ts';

const uploadsMax = 2;
/** How often a draft is told of more. */
const tellBytes = MiB;

interface OpenPack {
  readonly number: number;
  readonly packId: string;
  /** Takes the blocks to the store while the pack is being filled, if that can. */
  readonly draft: Draft | undefined;
  readonly buffer: Buffer<ArrayBuffer>;
  readonly directory: DirectoryBuilder;
  readonly table: BlockTable;
  length: number;
  /** How much of it the draft was told of. */
  toldBytes: number;
}

export interface PackWriterOptions {
  readonly source: BlockSource;
  readonly signal?: AbortSignal | undefined;
  /** Called after packs became durable, with the number up to which all are. */
  readonly onDurable?: (number: number) => void;
}

export class PackWriter {
  bytesStored = 0;
  packsStored = 0;
  readonly #options: PackWriterOptions;
  readonly #uploads = new Map<OpenPack, Promise<void>>();
  #open: OpenPack | undefined;
  #number = 0;
  #failure: { error: unknown } | undefined;

  constructor(options: PackWriterOptions) {
    this.#options = options;
  }

  /** The number of the pack that was begun last; -1 before the first. */
  get last(): number {
    return this.#number - 1;
  }

  /** True when the block is in a pack that is not durable yet. */
  holds(id: Uint8Array): boolean {
    if (this.#open?.table.has(id) === true) return true;
    return this.#uploads.keys().some((pack) => pack.table.has(id));
  }

  /** Adds a sealed block, which is copied. Call `room` before the next few. */
  add(kind: BlockKind, id: Uint8Array, sealed: Uint8Array, base?: PatchBase): void {
    this.throwIfFailed();
    const pack = (this.#open ??= this.#begin());
    const place = { pack: 0, offsetBytes: pack.length, lengthBytes: sealed.length, kind };
    pack.table.set(id, 0, place);
    pack.directory.add(kind, id, sealed.length, base);
    // From memory that threads share, a buffer's `copy` is twice as fast as `set`.
    Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length).copy(pack.buffer, pack.length);
    pack.length += sealed.length;
    if (pack.length - pack.toldBytes >= tellBytes) this.#tell(pack);
    const full =
      pack.length >= this.#options.source.packBytes || pack.directory.count === packEntriesMax;
    if (full) this.#finish();
  }

  /** Waits until few enough packs are being put. */
  async room(): Promise<void> {
    this.throwIfFailed();
    while (this.#uploads.size >= uploadsMax) {
      await Promise.race(this.#uploads.values());
      this.throwIfFailed();
    }
  }

  /** Puts what is left, and waits until everything is durable. */
  async flush(): Promise<void> {
    this.throwIfFailed();
    this.#finish();
    await Promise.all(this.#uploads.values());
    this.throwIfFailed();
  }

  /** Waits for what is under way and gives up the rest; what was put stays and is found again. */
  async abort(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.draft?.discard();
    if (open !== undefined) this.#options.source.packBuffers.give(open.buffer);
    await Promise.all(this.#uploads.values());
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #begin(): OpenPack {
    const number = this.#number;
    this.#number += 1;
    const { store, packBuffers } = this.#options.source;
    const packId = newHexId();
    return {
      number,
      packId,
      draft: store.begin?.(packName(packId)),
      buffer: packBuffers.take(),
      directory: new DirectoryBuilder(),
      table: new BlockTable(1),
      length: 0,
      toldBytes: 0,
    };
  }

  #tell(pack: OpenPack): void {
    pack.toldBytes = pack.length;
    pack.draft?.advance(pack.buffer.subarray(0, pack.length));
  }

  #finish(): void {
    const pack = this.#open;
    if (pack === undefined) return;
    this.#open = undefined;
    const upload = this.#put(pack).then(
      () => this.#settle(pack),
      (error: unknown) => {
        this.#failure ??= { error };
        this.#uploads.delete(pack);
        this.#options.source.packBuffers.give(pack.buffer);
      },
    );
    this.#uploads.set(pack, upload);
  }

  async #put(pack: OpenPack): Promise<void> {
    const { source, signal } = this.#options;
    const { store, keys, index } = source;
    const { packId, draft } = pack;
    const directory = Uint8Array.from(pack.directory.bytes());
    const label = objectLabel('directory', packId);
    const sealed = seal(keys.objectKey('directory'), label, directory);
    const chunks = [pack.buffer.subarray(0, pack.length), sealed, encodeTrailer(sealed.length)];
    const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const options = signal === undefined ? {} : { signal };
    await (draft?.put(chunks, options) ?? store.put(packName(packId), chunks, options));
    const content = { packId, sizeBytes, directory };
    index.add(content).lastUse = index.tick();
    index.unindexed.set(packId, content);
    this.bytesStored += sizeBytes;
    this.packsStored += 1;
  }

  #settle(pack: OpenPack): void {
    this.#uploads.delete(pack);
    this.#options.source.packBuffers.give(pack.buffer);
    const uploading = [...this.#uploads.keys()].map(({ number }) => number);
    const durable = Math.min(this.#open?.number ?? this.#number, ...uploading) - 1;
    assert(durable < this.#number, 'only packs that were begun are durable');
    this.#options.onDurable?.(durable);
  }
}
