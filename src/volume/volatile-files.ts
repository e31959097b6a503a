import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import type { FileOperations, OpenFile } from '../layer/file-operations.ts';
import { nodeFileOperations } from '../layer/node-file-operations.ts';

const blockBytes = 4096;

/** By path and block: what the block held when it was last durable. */
type Unsynced = Map<string, Map<number, Buffer>>;

/**
 * The real file system, and what a power cut would do to it: a block that was written and not
 * synced since may have its old content again. For tests.
 */
export class VolatileFiles {
  readonly #unsynced: Unsynced = new Map();
  readonly operations: FileOperations = {
    ...nodeFileOperations,
    open: async (path, mode) => this.#watch(await nodeFileOperations.open(path, mode), path),
    link: async (existing, name) => {
      await nodeFileOperations.link(existing, name);
      const blocks = this.#unsynced.get(existing);
      if (blocks !== undefined) this.#unsynced.set(name, blocks);
    },
  };

  /**
   * Cuts the power in `copy`, a copy of `folder` as it is now. `loses` is asked for each block that
   * may be lost.
   */
  cutPower(folder: string, copy: string, loses: () => boolean): void {
    for (const [path, blocks] of this.#unsynced) {
      const target = copy + path.slice(folder.length);
      if (!path.startsWith(folder) || !existsSync(target)) continue;
      const descriptor = openSync(target, 'r+');
      for (const [block, content] of blocks) {
        if (loses()) writeSync(descriptor, content, 0, blockBytes, block * blockBytes);
      }
      closeSync(descriptor);
    }
  }

  #watch(file: OpenFile, path: string): OpenFile {
    return {
      read: (target, position) => file.read(target, position),
      write: async (content, position) => {
        await this.#remember(file, path, position, content.byteLength);
        await file.write(content, position);
      },
      datasync: async () => {
        const blocks = this.#unsynced.get(path);
        this.#unsynced.delete(path);
        try {
          await file.datasync();
        } catch (error) {
          if (blocks !== undefined) this.#unsynced.set(path, blocks);
          throw error;
        }
      },
      truncate: (lengthBytes) => file.truncate(lengthBytes),
      punch: (position, length) => file.punch(position, length),
      sizeBytes: () => file.sizeBytes(),
      allocatedBytes: () => file.allocatedBytes(),
      close: () => file.close(),
    };
  }

  async #remember(file: OpenFile, path: string, position: number, length: number): Promise<void> {
    const end = Math.ceil((position + length) / blockBytes);
    for (let block = Math.floor(position / blockBytes); block < end; block += 1) {
      if (this.#unsynced.get(path)?.has(block) === true) continue;
      const content = Buffer.alloc(blockBytes);
      await file.read(content, block * blockBytes);
      const blocks = this.#unsynced.get(path) ?? new Map<number, Buffer>();
      if (!blocks.has(block)) blocks.set(block, content);
      this.#unsynced.set(path, blocks);
    }
  }
}
