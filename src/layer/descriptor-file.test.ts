import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
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
      if (file.readNow?.(target, at) === true) {
        assert.ok(target.equals(content.subarray(at, at + length)));
      }
    }
    const behind = Buffer.alloc(8 * KiB);
    assert.equal(await file.read(behind, 696 * KiB), 4 * KiB);
    assert.notEqual(file.readNow?.(behind, 696 * KiB), true);
    await file.close();
  });
}
