import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { FileOperations, OpenFile } from '../layer/file-operations.ts';
import { bootIdPath } from '../layer/mark-log-format.ts';
import { nodeFileOperations } from '../layer/node-file-operations.ts';

const blockBytes = 4096;

/** By block: what it held when it was last durable. */
type Blocks = Map<number, Buffer>;

interface Volatile {
  /** Written, and not synced since. */
  readonly unsynced: Blocks;
  /** Written before a sync that has failed: a later sync does not write them. */
  readonly lost: Blocks;
}

/**
 * A file system, and what a power cut would do to it: a block that was written and not synced since
 * may have its old content again, and a file that was made is gone unless its folder was synced.
 * After a failed sync the blocks stay in memory as if they were durable, and are not. What was
 * punched or cut is gone at once. For tests.
 */
export class VolatileFiles {
  readonly #files = new Map<string, Volatile>();
  /** Made, and their folders not synced since. */
  readonly #unnamed = new Set<string>();
  readonly operations: FileOperations;
  readonly #base: FileOperations;
  readonly #bootId: string;

  /** Each has a boot of its own: what is opened after a power cut is opened with another one. */
  constructor(base: FileOperations = nodeFileOperations, bootId: string = randomUUID()) {
    this.#base = base;
    this.#bootId = bootId;
    this.operations = {
      ...base,
      readText: (path) =>
        path === bootIdPath ? Promise.resolve(`${bootId}\n`) : base.readText(path),
      open: async (path, mode) => {
        const file = await base.open(path, mode);
        if (mode === 'create') this.#unnamed.add(path);
        return this.#watch(file, path);
      },
      link: async (existing, name) => {
        await base.link(existing, name);
        this.#unnamed.add(name);
        const file = this.#files.get(existing);
        if (file !== undefined) this.#files.set(name, file);
      },
      syncFolder: async (folder) => {
        await base.syncFolder(folder);
        this.#synced(folder);
      },
      writeDurably: async (path, content) => {
        await base.writeDurably(path, content);
        this.#synced(dirname(path));
      },
      rename: async (from, to) => {
        await base.rename(from, to);
        for (const path of this.#files.keys()) {
          const file = this.#files.get(path);
          if (file === undefined || !path.startsWith(`${from}/`)) continue;
          this.#files.delete(path);
          this.#files.set(to + path.slice(from.length), file);
        }
      },
      remove: async (path) => {
        await base.remove(path);
        this.#files.delete(path);
        this.#unnamed.delete(path);
      },
    };
  }

  /**
   * Cuts the power in `copy`, a copy of `folder` as it is now. `loses` is asked for each block that
   * may be lost, and for each name. With `unitBytes` below a block, blocks may be torn into units.
   */
  cutPower(folder: string, copy: string, loses: () => boolean, unitBytes = blockBytes): void {
    for (const [path, { unsynced, lost }] of this.#files) {
      const target = copy + path.slice(folder.length);
      if (!path.startsWith(folder) || !existsSync(target)) continue;
      const descriptor = openSync(target, 'r+');
      for (const [block, content] of [...unsynced, ...lost]) {
        for (let at = 0; at < blockBytes; at += unitBytes) {
          if (loses()) writeSync(descriptor, content, at, unitBytes, block * blockBytes + at);
        }
      }
      closeSync(descriptor);
    }
    for (const path of this.#unnamed) {
      if (path.startsWith(folder) && loses()) {
        rmSync(copy + path.slice(folder.length), { force: true });
      }
    }
  }

  /**
   * The files as the next process of this boot finds them in `copy`, a copy of `folder` as it is
   * now: nothing is lost, and what was not durable still is not.
   */
  afterKill(folder: string, copy: string): VolatileFiles {
    const next = new VolatileFiles(this.#base, this.#bootId);
    const copies = new Map<Volatile, Volatile>();
    for (const [path, file] of this.#files) {
      if (!path.startsWith(folder)) continue;
      const held = copies.get(file) ?? {
        unsynced: new Map(file.unsynced),
        lost: new Map(file.lost),
      };
      copies.set(file, held);
      next.#files.set(copy + path.slice(folder.length), held);
    }
    for (const path of this.#unnamed) next.#unnamed.add(copy + path.slice(folder.length));
    return next;
  }

  /** A block as it is if all is lost that may be; undefined when what it holds is durable. */
  durableBlock(path: string, block: number): Buffer | undefined {
    const file = this.#files.get(path);
    return file?.lost.get(block) ?? file?.unsynced.get(block);
  }

  #synced(folder: string): void {
    for (const path of this.#unnamed) if (dirname(path) === folder) this.#unnamed.delete(path);
  }

  #watch(file: OpenFile, path: string): OpenFile {
    return {
      read: (target, position) => file.read(target, position),
      write: async (content, position) => {
        await this.#remember(file, path, position, content.byteLength);
        await file.write(content, position);
      },
      readNow: (target, position, onEnd) => file.readNow?.(target, position, onEnd) ?? 'refused',
      // Only what needs not be remembered any more.
      writeNow: (content, position) =>
        this.#isRemembered(path, position, content.byteLength) &&
        file.writeNow?.(content, position) === true,
      datasync: () => this.#sync(file, path),
      truncate: (lengthBytes) => file.truncate(lengthBytes),
      punch: (position, length) => file.punch(position, length),
      sizeBytes: () => file.sizeBytes(),
      allocatedBytes: () => file.allocatedBytes(),
      close: () => file.close(),
    };
  }

  #isRemembered(path: string, position: number, length: number): boolean {
    const unsynced = this.#files.get(path)?.unsynced;
    const end = Math.ceil((position + length) / blockBytes);
    for (let block = Math.floor(position / blockBytes); block < end; block += 1) {
      if (unsynced?.has(block) !== true) return false;
    }
    return true;
  }

  async #sync(file: OpenFile, path: string): Promise<void> {
    const held = this.#files.get(path);
    const written = new Map(held?.unsynced);
    held?.unsynced.clear();
    try {
      await file.datasync();
    } catch (error) {
      for (const [block, content] of written) held?.lost.set(block, content);
      throw error;
    }
  }

  async #remember(file: OpenFile, path: string, position: number, length: number): Promise<void> {
    const held = this.#files.get(path) ?? { unsynced: new Map(), lost: new Map() };
    this.#files.set(path, held);
    const end = Math.ceil((position + length) / blockBytes);
    for (let block = Math.floor(position / blockBytes); block < end; block += 1) {
      if (held.unsynced.has(block)) continue;
      const before = held.lost.get(block) ?? Buffer.alloc(blockBytes);
      if (!held.lost.delete(block)) await file.read(before, block * blockBytes);
      if (!held.unsynced.has(block)) held.unsynced.set(block, before);
    }
  }
}
