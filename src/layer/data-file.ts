import { join } from 'node:path';
import { TiB } from '../base/bytes.ts';
import { fromSystemError } from '../base/errors.ts';
import type { OnBytes } from './direct-reads.ts';
import type { MemoryRange } from '../base/memory-range.ts';
import { Serial } from '../base/serial.ts';
import type { Reading } from './file-operations.ts';
import type { FilePool, PooledFile } from './file-pool.ts';
import { createFile } from './layer-folder.ts';
import { partIndexOf, partName } from './layer-record.ts';

/** One file holds at most this much of a layer: ext4 has none of 16 TiB. */
export const partBytes = 8 * TiB;

/**
 * The data of a layer: one file up to 8 TiB, and one more for each 8 TiB after that, made durably
 * when something is first written there. Offsets are those of the volume.
 */
export class DataFile {
  readonly #pool: FilePool;
  readonly #folder: string;
  readonly #name: string;
  readonly #first: PooledFile;
  /** The parts that are known to be there, by index. */
  readonly #parts = new Map<number, PooledFile>();
  /** The parts behind the first whose names are known to be durable. */
  readonly #durable = new Set<number>();
  #isListed = false;
  readonly #making = new Serial();

  constructor(pool: FilePool, folder: string, name: string) {
    this.#pool = pool;
    this.#folder = folder;
    this.#name = name;
    this.#first = pool.file(join(folder, name));
    this.#parts.set(0, this.#first);
  }

  /** Reads until `target` is full or the data ends; answers the bytes read. */
  read(target: Uint8Array, offsetBytes: number): Promise<number> {
    const endBytes = offsetBytes + target.byteLength;
    return endBytes <= partBytes
      ? this.#first.read(target, offsetBytes)
      : this.#readParts(target, offsetBytes);
  }

  write(content: Uint8Array, offsetBytes: number): Promise<void> {
    const endBytes = offsetBytes + content.byteLength;
    return endBytes <= partBytes
      ? this.#first.write(content, offsetBytes)
      : this.#writeParts(content, offsetBytes);
  }

  /** Reads what takes no wait (`OpenFile.readNow`). */
  readNow(target: Uint8Array, offsetBytes: number, onEnd?: OnBytes): Reading {
    const endBytes = offsetBytes + target.byteLength;
    return endBytes <= partBytes ? this.#first.readNow(target, offsetBytes, onEnd) : 'refused';
  }

  /** Where a range is, if memory has all of it (`OpenFile.locate`). */
  locate(offsetBytes: number, lengthBytes: number): MemoryRange | undefined {
    const endBytes = offsetBytes + lengthBytes;
    return endBytes <= partBytes ? this.#first.locate(offsetBytes, lengthBytes) : undefined;
  }

  /** Writes if that takes no wait, and answers whether it did (`OpenFile.writeNow`). */
  writeNow(content: Uint8Array, offsetBytes: number): boolean {
    const endBytes = offsetBytes + content.byteLength;
    return endBytes <= partBytes && this.#first.writeNow(content, offsetBytes);
  }

  /** Has the disk begin to write what was written (`OpenFile.beginWriting`). */
  async beginWriting(): Promise<void> {
    await Promise.all(Array.from(this.#parts.values(), (part) => part.beginWriting()));
  }

  /** Makes durable what was written. */
  async datasync(): Promise<void> {
    for (const part of this.#parts.values()) {
      if (part === this.#first || part.hasUnsynced) await part.datasync();
    }
  }

  /** Makes durable what anybody wrote, an earlier process too. */
  async datasyncAll(): Promise<void> {
    for (const [, part] of await this.#all()) await part.datasync();
  }

  /** Where the data ends. */
  async endBytes(): Promise<number> {
    for (const [index, part] of (await this.#all()).toReversed()) {
      const sizeBytes = await part.sizeBytes();
      if (sizeBytes > 0) return index * partBytes + sizeBytes;
    }
    return 0;
  }

  /** What the host has set aside for it. */
  async allocatedBytes(): Promise<number> {
    let allocatedBytes = 0;
    for (const [, part] of await this.#all()) allocatedBytes += await part.allocatedBytes();
    return allocatedBytes;
  }

  /** Cuts off what lies at or behind `endBytes`. */
  async truncate(endBytes: number): Promise<void> {
    for (const [index, part] of (await this.#all()).toReversed()) {
      const keptBytes = Math.max(0, endBytes - index * partBytes);
      if ((await part.sizeBytes()) > keptBytes) await part.truncate(keptBytes);
    }
  }

  /** Gives the bytes back to the host; they read as zeros afterwards. */
  async punch(offsetBytes: number, lengthBytes: number): Promise<void> {
    for (const piece of pieces(offsetBytes, lengthBytes)) {
      const part = await this.#find(piece.part);
      await part?.punch(piece.at, piece.lengthBytes);
    }
  }

  /** Gives all parts a second name in another folder; that folder is to be synced afterwards. */
  async link(folder: string, name: string): Promise<void> {
    for (const [index, part] of await this.#all()) {
      await this.#pool.operations.link(part.path, join(folder, partName(name, index)));
    }
  }

  /** Closes the descriptors; a later call opens them again. */
  async close(): Promise<void> {
    for (const part of this.#parts.values()) await part.close();
  }

  /** Closes the descriptors for good. */
  async retire(): Promise<void> {
    for (const part of this.#parts.values()) await part.retire();
  }

  /** Closes the files for good, and removes them. */
  async remove(): Promise<void> {
    for (const [, part] of (await this.#all()).toReversed()) {
      await part.retire();
      await this.#pool.operations.remove(part.path);
    }
  }

  async #readParts(target: Uint8Array, offsetBytes: number): Promise<number> {
    let done = 0;
    for (const piece of pieces(offsetBytes, target.byteLength)) {
      const part = await this.#find(piece.part);
      const count = await part?.read(target.subarray(done, done + piece.lengthBytes), piece.at);
      done += count ?? 0;
      if (count !== piece.lengthBytes) break;
    }
    return done;
  }

  async #writeParts(content: Uint8Array, offsetBytes: number): Promise<void> {
    let done = 0;
    for (const piece of pieces(offsetBytes, content.byteLength)) {
      const part = piece.part === 0 ? this.#first : await this.#partToWrite(piece.part);
      await part.write(content.subarray(done, done + piece.lengthBytes), piece.at);
      done += piece.lengthBytes;
    }
  }

  async #find(index: number): Promise<PooledFile | undefined> {
    if (!this.#parts.has(index) && !this.#isListed) await this.#all();
    return this.#parts.get(index);
  }

  /** All parts, in order. */
  async #all(): Promise<[number, PooledFile][]> {
    if (!this.#isListed) await this.#list();
    return [...this.#parts].sort(([a], [b]) => a - b);
  }

  async #list(): Promise<void> {
    let names: string[];
    try {
      names = await this.#pool.operations.list(this.#folder);
    } catch (error) {
      throw fromSystemError(error, `Listing ${this.#folder}`);
    }
    for (const name of names) {
      const index = partIndexOf(this.#name, name);
      if (index !== undefined) this.#note(index);
    }
    this.#isListed = true;
  }

  /** A part behind the first, made if it must; what is marked in it must not lose its file. */
  #partToWrite(index: number): Promise<PooledFile> {
    const known = this.#parts.get(index);
    if (known !== undefined && this.#durable.has(index)) return Promise.resolve(known);
    return this.#making.run(async () => {
      const path = join(this.#folder, partName(this.#name, index));
      // Of one whose making has failed nobody knows whether it is there.
      await this.#list();
      try {
        if (!this.#parts.has(index)) await createFile(this.#pool.operations, path);
        await this.#pool.operations.syncFolder(this.#folder);
      } catch (error) {
        throw fromSystemError(error, `Making ${path}`);
      }
      this.#durable.add(index);
      return this.#note(index);
    });
  }

  #note(index: number): PooledFile {
    let part = this.#parts.get(index);
    if (part === undefined) {
      part = this.#pool.file(join(this.#folder, partName(this.#name, index)));
      this.#parts.set(index, part);
    }
    return part;
  }
}

/** The parts of a range, each with the offset in its file. */
function* pieces(
  offsetBytes: number,
  lengthBytes: number,
): Generator<{ part: number; at: number; lengthBytes: number }> {
  for (let at = offsetBytes; at < offsetBytes + lengthBytes;) {
    const part = Math.floor(at / partBytes);
    const end = Math.min(offsetBytes + lengthBytes, (part + 1) * partBytes);
    yield { part, at: at - part * partBytes, lengthBytes: end - at };
    at = end;
  }
}
