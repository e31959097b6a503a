/** A backup that exists nowhere, for tests of volumes that are filled from one. */
import assert from 'node:assert/strict';
import { MiB } from '../base/bytes.ts';
import { OperatingError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { Backing, BackingSource } from './hydration.ts';
import type { OpenedEngine } from './open-engine.ts';

const blockBytes = 64 * 1024;
const sectorBytes = 4096;
const pageBlocks = 1024;

export class SampleBackup implements BackingSource {
  readonly backing: Backing;
  /** The store does not answer. */
  isGone = false;
  /** Blocks that were asked for. */
  blocksRead = 0;

  constructor(lengthBytes: number) {
    const rootId = '7'.repeat(64);
    this.backing = {
      container: 'c',
      backupId: newId(),
      rootId,
      depth: 1,
      lengthBytes,
      doneBytes: 0,
    };
  }

  /** Two of three blocks hold data, each sector another byte. */
  hasBlock(block: number): boolean {
    return block * blockBytes < this.backing.lengthBytes && (block * 7) % 3 !== 0;
  }

  /** What the backup holds of a range. */
  content(offsetBytes: number, lengthBytes: number): Buffer {
    const content = Buffer.alloc(lengthBytes);
    for (let at = 0; at < lengthBytes;) {
      const offset = offsetBytes + at;
      const end = Math.min(lengthBytes, at + sectorBytes - (offset % sectorBytes));
      const sector = Math.floor(offset / sectorBytes);
      const block = Math.floor(offset / blockBytes);
      if (this.hasBlock(block)) content.fill(1 + ((sector * 31 + block) % 255), at, end);
      at = end;
    }
    return content;
  }

  async blocks(_backing: Backing, page: number): Promise<Uint8Array> {
    this.#answer();
    const bits = new Uint8Array(pageBlocks / 8);
    for (let block = 0; block < pageBlocks; block += 1) {
      if (!this.hasBlock(page * pageBlocks + block)) continue;
      bits[block >> 3] = (bits[block >> 3] ?? 0) | (1 << (block & 7));
    }
    return bits;
  }

  async read(_backing: Backing, offsetBytes: number, target: Uint8Array): Promise<void> {
    this.#answer();
    assert.equal(offsetBytes % blockBytes, 0);
    assert.ok(offsetBytes + target.byteLength <= this.backing.lengthBytes);
    this.blocksRead += Math.ceil(target.byteLength / blockBytes);
    target.set(this.content(offsetBytes, target.byteLength));
  }

  #answer(): void {
    if (this.isGone) throw new OperatingError('unavailable', 'the store does not answer');
  }
}

/** Fills what is missing of the 64 MiB at `offsetBytes`, of every layer that is not whole. */
export async function hydrate(
  { hydration }: OpenedEngine,
  backup: SampleBackup,
  offsetBytes: number,
): Promise<void> {
  for (const { layerId } of await hydration.backedLayers()) {
    for (const run of await hydration.missing(layerId, offsetBytes)) {
      for (let at = run.offsetBytes; at < run.offsetBytes + run.lengthBytes; at += MiB) {
        const lengthBytes = Math.min(MiB, run.offsetBytes + run.lengthBytes - at);
        await hydration.fill(layerId, at, backup.content(at, lengthBytes));
      }
    }
  }
}

/** Fills all that is missing, and says so. */
export async function hydrateAll(engine: OpenedEngine, backup: SampleBackup): Promise<void> {
  const { lengthBytes } = backup.backing;
  for (let at = 0; at < lengthBytes; at += 64 * MiB) await hydrate(engine, backup, at);
  for (const { layerId } of await engine.hydration.backedLayers()) {
    await engine.hydration.advance(layerId, lengthBytes);
  }
}
