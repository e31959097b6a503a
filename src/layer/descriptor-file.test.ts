import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeFileOperations } from './node-file-operations.ts';

const KiB = 1024;
/** The second, a tmpfs, cannot tell what is in memory. */
const folders = [tmpdir(), '/dev/shm'].filter((folder) => existsSync(folder));

for (const parent of folders) {
  test(`in ${parent} a file is read and written, short and long, at once and not`, async (t) => {
    const folder = await mkdtemp(join(parent, 'firn-file-'));
    t.after(() => rm(folder, { recursive: true }));
    const file = await nodeFileOperations.open(join(folder, 'data'), 'create');
    const content = randomBytes(700 * KiB);
    for (let at = 0; at < content.length; at += 100 * KiB) {
      const piece = content.subarray(at, at + 100 * KiB);
      if (file.writeNow?.(piece, at) !== true) await file.write(piece, at);
      // Synced after every few writes: the disk begins with the later ones at once.
      await file.datasync();
    }
    for (const [at, length] of [
      [0, 4 * KiB],
      [4 * KiB + 1, 100 * KiB],
      [1000, 600 * KiB],
    ] as const) {
      const target = Buffer.alloc(length);
      assert.equal(await file.read(target, at), length);
      assert.ok(target.equals(content.subarray(at, at + length)));
      target.fill(0);
      if (file.readNow?.(target, at) === 'done') {
        assert.ok(target.equals(content.subarray(at, at + length)));
      }
    }
    const behind = Buffer.alloc(8 * KiB);
    assert.equal(await file.read(behind, 696 * KiB), 4 * KiB);
    assert.notEqual(file.readNow?.(behind, 696 * KiB), 'done');
    await file.close();
  });
}

/** Has the kernel forget a file that is on the disk, where it can. */
function makeCold(path: string): void {
  execFileSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
}

for (const parent of folders) {
  test(`in ${parent} a cold file shows what was written last, however it is read`, async (t) => {
    const folder = await mkdtemp(join(parent, 'firn-file-'));
    t.after(() => rm(folder, { recursive: true }));
    const path = join(folder, 'data');
    const file = await nodeFileOperations.open(path, 'create');
    const sectors = 2000;
    const sectorBytes = 4 * KiB;
    const content = randomBytes(sectors * sectorBytes);
    await file.write(content, 0);
    await file.datasync();
    makeCold(path);
    let late = 0;
    const readOne = async (sector: number): Promise<void> => {
      const at = sector * sectorBytes;
      const target: Buffer = Buffer.alloc(sectorBytes);
      const end = Promise.withResolvers<Buffer | undefined>();
      const reading = file.readNow?.(target, at, (bytes) => {
        late += 1;
        end.resolve(bytes === undefined ? undefined : Buffer.from(bytes));
      });
      let found = reading === 'begun' ? await end.promise : target;
      if (reading === 'refused' || found === undefined) {
        assert.equal(await file.read(target, at), sectorBytes);
        found = target;
      }
      assert.ok(found.equals(content.subarray(at, at + sectorBytes)), `sector ${sector}`);
    };
    for (let first = 0; first < sectors; first += 16) {
      const some = Array.from({ length: 16 }, (_, index) => ((first + index) * 977) % sectors);
      // What memory alone has is seen by reads that go past it.
      const fresh = randomBytes(sectorBytes);
      const written = (first * 977 + 4 * 977) % sectors;
      fresh.copy(content, written * sectorBytes);
      await file.write(fresh, written * sectorBytes);
      await Promise.all(some.map(readOne));
    }
    t.diagnostic(`${late} reads of ${sectors} went past memory`);
    await file.close();
  });
}
