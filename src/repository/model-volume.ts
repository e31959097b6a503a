import assert from 'node:assert/strict';
import { isoMicros } from '../base/clock.ts';
import { newId } from '../base/ids.ts';
import { blockBytes, blockCount, sectorBytes } from './block.ts';
import type { Manifest, ManifestFacts } from './manifest.ts';
import type { Repository } from './repository.ts';
import type { BackupWriter } from './writer.ts';

const sectorsPerBlock = blockBytes / sectorBytes;

/**
 * A volume for tests, as a plain array: one number for each sector, from which its bytes are made;
 * zero for a sector of zeros. It remembers which blocks were touched since its last backup.
 */
export class ModelVolume {
  sectors: Uint32Array;
  touched = new Set<number>();

  constructor(blocks: number) {
    this.sectors = new Uint32Array(blocks * sectorsPerBlock);
  }

  get lengthBytes(): number {
    return this.sectors.length * sectorBytes;
  }

  write(sector: number, count: number, seed: number): void {
    for (let at = sector; at < Math.min(sector + count, this.sectors.length); at += 1) {
      this.sectors[at] = seed === 0 ? 0 : seed + (at % sectorsPerBlock);
      this.touched.add(Math.floor(at / sectorsPerBlock));
    }
  }

  extend(blocks: number): void {
    const longer = new Uint32Array(this.sectors.length + blocks * sectorsPerBlock);
    longer.set(this.sectors);
    this.sectors = longer;
  }

  /** Fills `target` with a block's bytes. */
  readBlock(block: number, target: Uint8Array): void {
    const words = new Uint32Array(target.buffer, target.byteOffset, blockBytes / 4);
    for (let sector = 0; sector < sectorsPerBlock; sector += 1) {
      const seed = this.sectors[block * sectorsPerBlock + sector] ?? 0;
      const start = (sector * sectorBytes) / 4;
      words.fill(seed, start, start + sectorBytes / 4);
      // Words that do not repeat, so that a block does not shrink to nothing.
      const scale = seed === 0 ? 0 : 2654435761;
      for (let at = 0; at < 64; at += 1) {
        words[start + at] = Math.imul(seed + at, scale);
      }
    }
  }

  isZeroBlock(block: number): boolean {
    const start = block * sectorsPerBlock;
    return this.sectors.subarray(start, start + sectorsPerBlock).every((seed) => seed === 0);
  }

  copy(): ModelVolume {
    const copy = new ModelVolume(0);
    copy.sectors = Uint32Array.from(this.sectors);
    return copy;
  }
}

/** The facts of a backup of which only the ids matter: of its parent's volume, a second later. */
export function factsOf(parent?: Manifest, backupId = newId()): ManifestFacts {
  return {
    backupId,
    making: parent === undefined ? 'full' : 'incremental',
    parentId: parent?.backupId ?? null,
    name: 'nightly',
    description: null,
    metadata: { purpose: 'test' },
    projectId: 'p',
    userId: 'u',
    snapshotId: null,
    dataTimestamp: parent === undefined ? isoMicros(Date.UTC(2026)) : secondAfter(parent),
    layerId: 'layer',
    volume: {
      volumeId: parent?.volume.volumeId ?? newId(),
      name: null,
      description: null,
      sizeGiB: 1,
      metadata: {},
      bootable: false,
      volumeType: null,
      availabilityZone: null,
    },
  };
}

function secondAfter({ dataTimestamp }: Manifest): string {
  return isoMicros(Date.parse(`${dataTimestamp}Z`) + 1000);
}

/** Backs a model up: everything without a parent, what was touched with one. */
export async function backUpModel(
  repository: Repository,
  volume: ModelVolume,
  options: { parent?: Manifest; resumePath?: string; backupId?: string } = {},
): Promise<Manifest> {
  const { parent, resumePath } = options;
  const writer = await repository.openWriter({
    lengthBytes: volume.lengthBytes,
    ...(parent === undefined ? {} : { parent }),
    ...(resumePath === undefined ? {} : { resumePath }),
  });
  try {
    const all = Array.from({ length: blockCount(volume.lengthBytes) }, (_, block) => block);
    const blocks = parent === undefined ? all : [...volume.touched].sort((a, b) => a - b);
    await submitBlocks(writer, volume, blocks);
    const manifest = await writer.commit(factsOf(parent, options.backupId));
    volume.touched.clear();
    return manifest;
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** Hands over the blocks that are not done, neighbours in one chunk, zeros as such. */
export async function submitBlocks(
  writer: BackupWriter,
  volume: ModelVolume,
  blocks: readonly number[],
): Promise<void> {
  const done = writer.done();
  const isDone = (offset: number): boolean =>
    done.some((it) => it.offsetBytes <= offset && offset < it.offsetBytes + it.lengthBytes);
  const left = blocks.filter((block) => !isDone(block * blockBytes));
  for (let at = 0; at < left.length;) {
    const first = left[at] ?? 0;
    let count = 1;
    while (left[at + count] === first + count && (first + count) % 16 !== 0) count += 1;
    at += count;
    const isZero = Array.from({ length: count }, (_, n) => volume.isZeroBlock(first + n));
    if (isZero.every(Boolean)) {
      writer.zero(first * blockBytes, count * blockBytes);
      continue;
    }
    const chunk = await writer.reserve();
    for (let n = 0; n < count; n += 1) {
      const start = n * blockBytes;
      volume.readBlock(first + n, chunk.bytes.subarray(start, start + blockBytes));
    }
    const offsetBytes = first * blockBytes;
    writer.submit(chunk, [{ offsetBytes, lengthBytes: count * blockBytes }]);
  }
}

/** Restores a backup and compares it, byte for byte, with what the model held. */
export async function assertRestores(
  repository: Repository,
  manifest: Manifest,
  volume: ModelVolume,
): Promise<void> {
  assert.equal(manifest.lengthBytes, volume.lengthBytes);
  const reader = await repository.openReader(manifest);
  const seen = new Set<number>();
  const expected = new Uint8Array(blockBytes);
  await reader.restore(async (offsetBytes, data) => {
    for (let at = 0; at < data.length; at += blockBytes) {
      const block = (offsetBytes + at) / blockBytes;
      volume.readBlock(block, expected);
      assert.equal(Buffer.compare(data.subarray(at, at + blockBytes), expected), 0, `${block}`);
      assert.ok(!seen.has(block), 'each block comes once');
      seen.add(block);
    }
  });
  let end = 0;
  for await (const { offsetBytes, lengthBytes, kind } of reader.extents()) {
    assert.equal(offsetBytes, end);
    end += lengthBytes;
    for (let block = offsetBytes / blockBytes; block < end / blockBytes; block += 1) {
      assert.equal(seen.has(block), kind === 'data');
      assert.equal(volume.isZeroBlock(block), kind === 'absent');
    }
  }
  assert.equal(end, volume.lengthBytes);
  reader.close();
}
