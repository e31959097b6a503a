import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pageBuffer } from '../base/page-memory.ts';
import { DirectWrites } from '../base/direct-writes.ts';
import { directReadCalls } from './native-reads.ts';
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
      await file.beginWriting?.();
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

/** With few under way, reads go through memory; with many, past it. */
for (const [parent, atOnce] of folders.flatMap((each) => [
  [each, 2] as const,
  [each, 16] as const,
])) {
  test(`in ${parent} a cold file shows what was last written to ${atOnce} readers`, async (t) => {
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
    for (let first = 0; first < sectors; first += atOnce) {
      const some = Array.from({ length: atOnce }, (_, index) => ((first + index) * 977) % sectors);
      // What memory alone has is seen by reads that go past it.
      const fresh = randomBytes(sectorBytes);
      const written = ((first + 1) * 977) % sectors;
      fresh.copy(content, written * sectorBytes);
      await file.write(fresh, written * sectorBytes);
      await Promise.all(some.map(readOne));
    }
    t.diagnostic(`${late} reads of ${sectors} were begun and ended later`);
    await file.close();
  });
}

for (const parent of folders) {
  test(`in ${parent} long writes from whole pages are there, however they are read`, async (t) => {
    const folder = await mkdtemp(join(parent, 'firn-file-'));
    t.after(() => rm(folder, { recursive: true }));
    const path = join(folder, 'data');
    const file = await nodeFileOperations.open(path, 'create');
    const content = pageBuffer(1024 * KiB);
    content.set(randomBytes(content.length));
    const expected = Buffer.alloc(1600 * KiB);
    // Over what is in memory and on no disk, over its own end, and beside it.
    const before = randomBytes(100 * KiB);
    await file.write(before, 0);
    expected.set(before);
    for (const [at, length] of [
      [4 * KiB, 1024 * KiB],
      [512 * KiB, 1024 * KiB],
      [1, 300 * KiB],
      [8 * KiB, 300 * KiB + 1],
    ] as const) {
      const piece = content.subarray(0, length);
      await file.write(piece, at);
      expected.set(piece, at);
      const found = Buffer.alloc(expected.length);
      const count = await file.read(found, 0);
      assert.ok(found.subarray(0, count).equals(expected.subarray(0, count)), `${length} at ${at}`);
    }
    await file.datasync();
    assert.ok(readFileSync(path).equals(expected.subarray(0, await file.sizeBytes())));
    await file.close();
  });
}

test('a long write from whole pages leaves nothing in memory', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-file-'));
  t.after(() => rm(folder, { recursive: true }));
  const descriptor = openSync(join(folder, 'data'), 'w+');
  const content = pageBuffer(1024 * KiB);
  const writes = new DirectWrites(descriptor);
  if (!writes.takes(content, 0) || (await writes.write(content, 0)) !== content.length) {
    t.skip('the file system has no such writes');
    return;
  }
  assert.equal(directReadCalls?.cachedPages(descriptor, 0, content.length) ?? 0, 0);
  assert.ok(!writes.takes(content, 512), 'only whole pages');
  assert.ok(!writes.takes(content.subarray(0, 128 * KiB), 0), 'only long ones');
  assert.ok(!writes.takes(content.subarray(8, 8 + 512 * KiB), 0));
  writes.close();
  closeSync(descriptor);
  assert.equal(await writes.write(content, 0), 0, 'a closed file is left to the usual way');
});

for (const parent of folders) {
  test(`in ${parent} long reads into whole pages find what was written last`, async (t) => {
    const folder = await mkdtemp(join(parent, 'firn-file-'));
    t.after(() => rm(folder, { recursive: true }));
    const path = join(folder, 'data');
    const file = await nodeFileOperations.open(path, 'create');
    const content = randomBytes(3 * 1024 * KiB);
    await file.write(content, 0);
    const target = pageBuffer(1024 * KiB);
    for (const at of [0, 1024 * KiB, 4 * KiB, 1536 * KiB + 1, 2500 * KiB]) {
      await file.datasync();
      makeCold(path);
      // What memory alone has, in the midst of what only the disk has.
      const fresh = randomBytes(4 * KiB);
      fresh.copy(content, at + 400 * KiB);
      await file.write(fresh, at + 400 * KiB);
      target.fill(0);
      const count = await file.read(target, at);
      assert.equal(count, Math.min(target.length, content.length - at), `from ${at}`);
      assert.ok(content.subarray(at, at + count).equals(target.subarray(0, count)), `from ${at}`);
    }
    await file.close();
  });
}
