/** Restore tests with the real tools of the filesystems, over NBD and FUSE. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { must } from '../../base/assert.ts';
import { isZero, MiB } from '../../base/bytes.ts';
import type { Drill } from '../../catalog/tables.ts';
import { NbdServer } from '../../nbd/server.ts';
import { needs } from '../../../test/peer.ts';
import { jobHandlers } from '../handlers.ts';
import { jobContext, max, openScene, type Scene } from '../operation-fixture.ts';
import { askBackup, makeVolume } from '../requests-fixture.ts';
import { showBackup } from './list-backups.ts';
import { drillBackup, verifyBackup } from './verify-backup.ts';

/** A scene whose exports can be reached. */
async function servedScene(t: TestContext): Promise<Scene> {
  const scene = await openScene(t);
  const folder = await mkdtemp(join(tmpdir(), 'firn-drill-'));
  const server = new NbdServer({ exports: scene.registry });
  const socketPath = join(folder, 'nbd.sock');
  await server.listenUnix(socketPath);
  t.after(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });
  const served = { ...scene, nbd: { ...scene.nbd, socketPath } };
  const handlers = jobHandlers(served);
  return { ...served, handlers, work: () => scene.jobs.runAll(handlers) };
}

/** What `make` makes of a file of zeros. */
async function imageOf(lengthBytes: number, make: (path: string) => void): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-image-'));
  try {
    const path = join(folder, 'image');
    await writeFile(path, '');
    await truncate(path, lengthBytes);
    make(path);
    return await readFile(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const ext4 = (path: string): void => void execFileSync('mkfs.ext4', ['-q', path]);

async function backUp(scene: Scene, parts: readonly { at: number; bytes: Buffer }[]) {
  const { id: volumeId } = await makeVolume(scene);
  const device = await scene.engine.openVolume(volumeId);
  for (const { at, bytes } of parts) {
    for (let done = 0; done < bytes.length; done += MiB) {
      const piece = bytes.subarray(done, done + MiB);
      if (!isZero(piece)) await device.write(at + done, piece);
    }
  }
  await device.flush();
  await device.close();
  const backup = await askBackup(scene, { volumeId });
  await scene.work();
  return backup;
}

async function drilled(scene: Scene, backupId: string): Promise<Drill> {
  await drillBackup(scene, max, backupId);
  await scene.work();
  await assert.rejects(scene.engine.openVolume(`drill-${backupId}`), { code: 'not_found' });
  return must((await showBackup(scene, max, backupId)).drill, 'a drill');
}

const tools = ['mkfs.ext4', 'e2fsck', 'nbdfuse', 'fusermount3'];

test('a sound filesystem is good, a broken one is damaged', needs(...tools), async (t) => {
  const scene = await servedScene(t);
  const image = await imageOf(48 * MiB, ext4);
  const sound = await backUp(scene, [{ at: 0, bytes: image }]);
  const good = await drilled(scene, sound.id);
  assert.equal(good.outcome, 'good', good.log);
  assert.match(good.log, /^disk \(1\.0 GiB, ext\): good$/m);
  await verifyBackup(scene, max, sound.id, { depth: 'filesystem' });
  await scene.work();
  const { verification } = await showBackup(scene, max, sound.id);
  assert.deepEqual([verification?.depth, verification?.outcome], ['filesystem', 'good']);

  // The bitmaps and inode tables, but not the superblock.
  const broken = Buffer.from(image);
  broken.fill(0x5a, 40 * 1024, 600 * 1024);
  const damaged = await drilled(scene, (await backUp(scene, [{ at: 0, bytes: broken }])).id);
  assert.equal(damaged.outcome, 'damaged', damaged.log);
  const where = { projectId: max.projectId } as const;
  const [message] = await scene.catalog.list('messages', { where, limit: 1 });
  assert.match(message?.userMessage ?? '', /^restore test of backup: .*found faults/);
});

test('partitions are checked each; what has no check is said to be unchecked', async (t) => {
  const scene = await servedScene(t);
  const disk = Buffer.alloc(MiB);
  disk.writeUInt16LE(0xaa55, 510);
  const partition = (slot: number, firstSector: number, count: number): void => {
    disk[446 + slot * 16 + 4] = 0x83;
    disk.writeUInt32LE(firstSector, 446 + slot * 16 + 8);
    disk.writeUInt32LE(count, 446 + slot * 16 + 12);
  };
  partition(0, 2048, 98_304);
  partition(1, 204_800, 2048);
  const swap = Buffer.alloc(MiB);
  swap.write('SWAPSPACE2', 4086, 'latin1');
  const unknown = await backUp(scene, [
    { at: 0, bytes: disk },
    { at: 100 * MiB, bytes: swap },
  ]);
  const found = await drilled(scene, unknown.id);
  assert.equal(found.outcome, 'unchecked');
  assert.match(found.log, /^disk: mbr, 2 parts$/m);
  assert.match(found.log, /^partition 2 \(1\.0 MiB, swap\): not checked$/m);
});

test(
  'a partition is checked by its own tool',
  needs(...tools, 'mkfs.fat', 'fsck.fat'),
  async (t) => {
    const scene = await servedScene(t);
    const disk = Buffer.alloc(MiB);
    disk.writeUInt16LE(0xaa55, 510);
    for (const [slot, first, count] of [
      [0, 2048, 98_304],
      [1, 204_800, 65_536],
    ] as const) {
      disk[446 + slot * 16 + 4] = 0x83;
      disk.writeUInt32LE(first, 446 + slot * 16 + 8);
      disk.writeUInt32LE(count, 446 + slot * 16 + 12);
    }
    const fat = await imageOf(32 * MiB, (path) => void execFileSync('mkfs.fat', [path]));
    const backup = await backUp(scene, [
      { at: 0, bytes: disk },
      { at: MiB, bytes: await imageOf(48 * MiB, ext4) },
      { at: 100 * MiB, bytes: fat },
    ]);
    const found = await drilled(scene, backup.id);
    assert.equal(found.outcome, 'good', found.log);
    assert.match(found.log, /^partition 1 \(48\.0 MiB, ext\): good$/m);
    assert.match(found.log, /^partition 2 \(32\.0 MiB, fat\): good$/m);
  },
);

/** Filesystems on a whole disk, and where each is damaged but still known for what it is. */
const others = [
  {
    kind: 'xfs',
    tools: ['mkfs.xfs', 'xfs_repair'],
    lengthBytes: 300 * MiB,
    make: (path: string) => void execFileSync('mkfs.xfs', ['-q', path]),
    // The headers of the first allocation group, behind the superblock.
    damage: (image: Buffer) => void image.fill(0x5a, 512, 2048),
  },
  {
    kind: 'btrfs',
    tools: ['mkfs.btrfs', 'btrfs'],
    lengthBytes: 128 * MiB,
    make: (path: string) => void execFileSync('mkfs.btrfs', ['-q', path]),
    // All trees; the superblocks are at 64 KiB and 64 MiB.
    damage: (image: Buffer) => void image.fill(0x5a, MiB, 64 * MiB).fill(0x5a, 65 * MiB),
  },
];

for (const { kind, tools: own, lengthBytes, make, damage } of others) {
  test(`${kind} is checked by its own tool`, needs(...tools, ...own), async (t) => {
    const scene = await servedScene(t);
    const image = await imageOf(lengthBytes, make);
    const sound = await backUp(scene, [{ at: 0, bytes: image }]);
    const good = await drilled(scene, sound.id);
    assert.equal(good.outcome, 'good', good.log);
    assert.match(good.log, new RegExp(`^disk \\(1\\.0 GiB, ${kind}\\): good$`, 'm'));
    damage(image);
    const broken = await backUp(scene, [{ at: 0, bytes: image }]);
    const damaged = await drilled(scene, broken.id);
    assert.equal(damaged.outcome, 'damaged', damaged.log);
  });
}

test('a drill that was killed leaves nothing to the next one', needs(...tools), async (t) => {
  const scene = await servedScene(t);
  const backup = await backUp(scene, [{ at: 0, bytes: await imageOf(48 * MiB, ext4) }]);
  const job = await drillBackup(scene, max, backup.id);
  const stop = new AbortController();
  const handler = must(scene.handlers[job.kind], 'a handler');
  const running = handler.run(job, jobContext(stop.signal));
  await new Promise((resolve) => setTimeout(resolve, 300));
  stop.abort();
  await running.catch((error: unknown) => assert.match(String(error), /told to stop/));
  assert.equal((await drilled(scene, backup.id)).outcome, 'good');
});
