import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { KiB, MiB } from '../base/bytes.ts';
import type { FileOperations } from '../layer/file-operations.ts';
import { nodeFileOperations } from '../layer/node-file-operations.ts';
import { FilePool } from '../layer/file-pool.ts';
import { kindAt, pageSectors } from '../layer/map-page.ts';
import { data } from '../layer/sector.ts';
import { SectorMap } from '../layer/sector-map.ts';
import { parseLayerRecord } from '../layer/layer-record.ts';
import { openVolumeEngine } from './open-engine.ts';
import { VolatileFiles } from './volatile-files.ts';

/** Space is given back only where a power cut would leave no mark of data. */
const sector = 4 * KiB;

/** The map of a layer as a power cut at this moment might leave it: nothing unsynced is there. */
function durableMap(files: VolatileFiles, path: string): SectorMap {
  const operations: FileOperations = {
    ...nodeFileOperations,
    open: async (name, mode) => {
      const file = await nodeFileOperations.open(name, mode);
      return {
        read: async (target, position) => {
          const count = await file.read(target, position);
          const old = files.durableBlock(path, position / sector);
          target.set((old ?? target).subarray(0, count));
          return count;
        },
        write: () => assert.fail('nothing is written'),
        datasync: () => file.datasync(),
        truncate: () => assert.fail('nothing is cut'),
        punch: () => assert.fail('nothing is punched'),
        sizeBytes: () => file.sizeBytes(),
        allocatedBytes: () => file.allocatedBytes(),
        close: () => file.close(),
      };
    },
  };
  return new SectorMap(new FilePool(operations).file(path));
}

async function assertNoData(
  files: VolatileFiles,
  dataPath: string,
  first: number,
  end: number,
): Promise<void> {
  const folder = dirname(dataPath);
  const id = folder.slice(-36);
  const { mapFile } = parseLayerRecord(readFileSync(join(folder, 'layer.json'), 'utf8'), id);
  const map = durableMap(files, join(folder, mapFile));
  for (let at = first; at < end; at += 1) {
    const page = await map.readPage(Math.floor(at / pageSectors));
    const kind = page === undefined ? 0 : kindAt(page, at % pageSectors);
    assert.notEqual(kind, data, `sector ${at} is data in the durable map`);
  }
}

test('a hole is made, or the end cut, only where the durable map has no data', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-order-'));
  let given = 0;
  const failures: unknown[] = [];
  const check = async (path: string, first: number, end: number): Promise<void> => {
    given += 1;
    try {
      await assertNoData(files, path, first, end);
    } catch (error) {
      failures.push(error);
    }
  };
  const files = new VolatileFiles({
    ...nodeFileOperations,
    open: async (path, mode) => {
      const file = await nodeFileOperations.open(path, mode);
      return {
        read: (target, position) => file.read(target, position),
        write: (content, position) => file.write(content, position),
        datasync: () => file.datasync(),
        truncate: async (length) => {
          await check(path, length / sector, Math.ceil((await file.sizeBytes()) / sector));
          await file.truncate(length);
        },
        punch: async (position, length) => {
          await check(path, position / sector, (position + length) / sector);
          await file.punch(position, length);
        },
        sizeBytes: () => file.sizeBytes(),
        allocatedBytes: () => file.allocatedBytes(),
        close: () => file.close(),
      };
    },
  });
  const engine = await openVolumeEngine({ folder, fs: files.operations });
  await engine.createVolume({ volumeId: 'v', lengthBytes: 80 * MiB });
  const device = await engine.openVolume('v');
  let state = 99;
  const next = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const lane = async (): Promise<void> => {
    for (let round = 0; round < 120; round += 1) {
      const at = 62 * MiB + next(1000) * sector;
      const length = (1 + next(20)) * sector;
      const dice = next(10);
      if (dice < 4) await device.write(at, Buffer.alloc(length, 1));
      else if (dice < 8) await device.trim(at, length);
      else if (dice < 9) await device.zero(at, length);
      else await device.flush();
    }
  };
  for (const name of ['a', 'b', 'c']) {
    await Promise.all([lane(), lane(), lane()]);
    await engine.createSnapshots([{ volumeId: 'v', snapshotId: name }]);
    await Promise.all([lane(), engine.deleteSnapshot(name)]);
  }
  await engine.settled();
  await device.close();
  await engine.close();
  await rm(folder, { recursive: true });
  assert.ok(given > 30, `${given} pieces were given back`);
  assert.deepEqual(failures, []);
});
