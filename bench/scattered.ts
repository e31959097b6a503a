/**
 * `npm run bench:scattered`: Firn with a volume of 16 TiB in which each block of data lies alone,
 * so that each needs a map of its own: what costs the most memory. The highest of the whole service
 * since its start, after each step.
 *
 * Usage: npm run bench:scattered -- [--blocks 16384] [--size-gib 16384] [--seed 1] [--no-check]
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { withDisk } from '../demo/disk.ts';
import { startFirn } from '../demo/firn-process.ts';
import { randomBytes, seeded } from '../demo/random.ts';
import { assert, must } from '../src/base/assert.ts';
import { GiB, KiB, MiB } from '../src/base/bytes.ts';
import type { Client } from '../src/client/client.ts';
import { clientOf, settled, secondsOf } from './firn.ts';

const { values } = parseArgs({
  options: {
    blocks: { type: 'string', default: '16384' },
    'size-gib': { type: 'string', default: '16384' },
    seed: { type: 'string', default: '1' },
    check: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const blockBytes = 64 * KiB;
const sectorBytes = 4 * KiB;
/** What one map describes. */
const regionBytes = 64 * MiB;
/** Writes and reads under way at once. */
const depth = 16;
/** Of a hundred blocks, one sector of one is written again before the second backup. */
const blocksPerChange = 100;
const sizeGiB = Number(values['size-gib']);
const random = seeded(Number(values.seed));

interface Block {
  readonly offsetBytes: number;
  /** What its content is drawn from. */
  readonly seed: number;
}

/** Each block at a place of its own, in the order of the drawing. */
function drawBlocks(count: number): Block[] {
  const regions = Math.floor((sizeGiB * GiB) / regionBytes);
  assert(count <= regions, 'there is a region for each block');
  const order = Array.from({ length: regions }, (_none, region) => region);
  return Array.from({ length: count }, (_none, seed) => {
    const at = seed + Math.floor(random() * (regions - seed));
    const region = must(order[at], 'a region');
    order[at] = must(order[seed], 'a region');
    const block = Math.floor((random() * regionBytes) / blockBytes);
    return { offsetBytes: region * regionBytes + block * blockBytes, seed };
  });
}

function contentOf({ seed }: Block): Buffer {
  return randomBytes(seeded(seed), blockBytes);
}

/** Whether a block's first sector is written again, and what it holds then. */
function isChanged({ seed }: Block): boolean {
  return seed % blocksPerChange === 0;
}

function changeOf({ seed }: Block): Buffer {
  return randomBytes(seeded(~seed), sectorBytes);
}

async function several<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const all = items.values();
  const work = async (): Promise<void> => {
    for (const item of all) await act(item);
  };
  await Promise.all(Array.from({ length: depth }, work));
}

async function check(api: Client, volumeId: string, blocks: readonly Block[]): Promise<void> {
  await withDisk(api, volumeId, async (disk) => {
    let dataBytes = 0;
    for (let at = 0; at < disk.lengthBytes; at += GiB) {
      for (const { kind, lengthBytes } of await disk.extents(at, GiB)) {
        if (kind === 'data') dataBytes += lengthBytes;
      }
    }
    assert(dataBytes === blocks.length * blockBytes, 'as much data as was written');
    await several(blocks, async (block) => {
      const found = Buffer.alloc(blockBytes);
      await disk.read(block.offsetBytes, found);
      const expected = contentOf(block);
      if (isChanged(block)) expected.set(changeOf(block));
      assert(found.equals(expected), 'the block that was written');
    });
  });
}

/** What is measured, and what it is measured on. */
interface Scene {
  readonly api: Client;
  readonly volumeId: string;
  readonly blocks: readonly Block[];
  readonly step: (title: string, work: () => Promise<unknown>) => Promise<void>;
}

/** Writes to the volume, and flushes it. */
async function write(
  { api, volumeId }: Scene,
  blocks: readonly Block[],
  contentOfEach: (block: Block) => Buffer,
): Promise<void> {
  await withDisk(api, volumeId, async (disk) => {
    await several(blocks, (block) => disk.write(block.offsetBytes, contentOfEach(block)));
    await disk.flush();
  });
}

async function backUp({ api, volumeId }: Scene): Promise<string> {
  const id = await api.backups.create({ volume_id: volumeId, name: 'bench' });
  await settled(() => api.backups.show(id));
  return id;
}

async function run(scene: Scene): Promise<void> {
  const { api, blocks, step } = scene;
  await step('writing', () => write(scene, blocks, contentOf));
  await step('full backup', () => backUp(scene));
  await write(scene, blocks.filter(isChanged), changeOf);
  let backupId = '';
  await step('backup after a change of one block in a hundred', async () => {
    backupId = await backUp(scene);
  });
  await step('backup with no change', () => backUp(scene));
  let restoredId = '';
  await step('restore', async () => {
    ({ volumeId: restoredId } = await api.restore(backupId, { name: 'restored' }));
    await settled(() => api.volumes.show(restoredId));
  });
  if (values.check) await step('reading all', () => check(api, restoredId, blocks));
}

async function scattered(dataFolder: string): Promise<void> {
  await mkdir(join(dataFolder, 'backups'), { recursive: true });
  const firn = await startFirn(dataFolder);
  const say = (title: string, seconds?: number): void => {
    const cells = [title, seconds?.toFixed(2) ?? '–', (firn.peakMemoryBytes() / MiB).toFixed(0)];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  };
  try {
    say('start');
    const api = clientOf(dataFolder);
    const volumeId = await api.volumes.create({ name: 'bench', size: sizeGiB });
    await settled(() => api.volumes.show(volumeId));
    const step = async (title: string, work: () => Promise<unknown>): Promise<void> => {
      say(title, await secondsOf(async () => void (await work())));
    };
    await run({ api, volumeId, blocks: drawBlocks(Number(values.blocks)), step });
  } finally {
    await firn.stop();
  }
}

process.stdout.write(
  `${new Date().toISOString().slice(0, 10)}; ${cpus().length} × ` +
    `${cpus()[0]?.model ?? 'unknown processor'}; ${values.blocks} blocks in ${sizeGiB} GiB; ` +
    `seed ${values.seed}.\n\n| step | seconds | peak MiB |\n|---|---:|---:|\n`,
);
const folder = await mkdtemp(join(tmpdir(), 'firn-bench-'));
try {
  await scattered(join(folder, 'data'));
} finally {
  await rm(folder, { recursive: true, force: true });
}
