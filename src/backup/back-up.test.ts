import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { KiB, MiB } from '../base/bytes.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import { backUp, type BackupOutcome, releaseOlder } from './back-up.ts';
import {
  backUpNow,
  contentOf,
  factsOf,
  lengthBytes,
  makeVolume,
  restored,
  signal,
  startScene,
  withOwn,
  write,
} from './back-up-fixture.ts';
import { checkpointId } from './checkpoint.ts';
import { deleteBackup } from './delete-backup.ts';
import { pruneRepository } from './prune-repository.ts';

test('reads what holds data, then what changed, then nothing', async (t) => {
  const scene = await startScene(t);
  const volumeId = await makeVolume(scene);
  const first = await backUpNow(scene, volumeId);
  assert.equal(first.outcome.parentId, null);
  assert.ok(first.outcome.bytesRead <= 9 * MiB + 2 * 64 * KiB, 'holes are not read');

  await write(scene, volumeId, 20 * MiB, Buffer.alloc(10, 'x'));
  const second = await backUpNow(scene, volumeId);
  assert.equal(second.outcome.parentId, first.backupId);
  assert.equal(second.outcome.bytesRead, 64 * KiB);

  const third = await backUpNow(scene, volumeId);
  assert.equal(third.outcome.parentId, second.backupId);
  assert.deepEqual([third.outcome.bytesRead, third.outcome.objectCount], [0, 1]);

  for (const backup of [first, second, third]) {
    assert.ok((await restored(scene, backup.backupId)).equals(backup.content));
  }
});

test('small scattered writes store about what they changed, again and again', async (t) => {
  const scene = await startScene(t);
  const volumeId = await makeVolume(scene);
  await write(scene, volumeId, 0, randomBytes(16 * MiB));
  const backupIds = [(await backUpNow(scene, volumeId)).backupId];
  for (let round = 0; round < 3; round += 1) {
    for (let n = 0; n < 48; n += 1) {
      const sector = (n * 85 + round * 7) % 4096;
      await write(scene, volumeId, sector * 4096, randomBytes(4096));
    }
    const { backupId, outcome, content } = await backUpNow(scene, volumeId);
    const stored = outcome.bytesStored / (48 * 4096);
    assert.ok(stored < (round === 0 ? 1.7 : 2.6), `stored ${stored} times what changed`);
    assert.ok((await restored(scene, backupId)).equals(content));
    backupIds.push(backupId);
  }
  for (const backupId of backupIds) await deleteBackup({ ...scene, backupId });
  await pruneRepository(scene.repository, { signal });
  const left = [...scene.objects.keys()].filter((name) => /^(packs|indexes|backups)\//.test(name));
  assert.deepEqual(left, [], 'all space is given back');
});

test('zeros over data reach the next backup, and a restore to a new volume', async (t) => {
  const scene = await startScene(t);
  const volumeId = await makeVolume(scene);
  await backUpNow(scene, volumeId);
  const device = await scene.engine.openVolume(volumeId);
  await device.zero(4 * MiB + 100, 3 * MiB);
  await device.trim(8 * MiB, 2 * MiB);
  await device.close();
  const { backupId, content } = await backUpNow(scene, volumeId);
  assert.ok((await restored(scene, backupId)).equals(content));
});

test('a restore onto a volume leaves nothing of what that held', async (t) => {
  const scene = await startScene(t);
  const { backupId, content } = await backUpNow(scene, await makeVolume(scene));
  const onto = newId();
  await scene.engine.createVolume({ volumeId: onto, lengthBytes: lengthBytes + 2 * MiB });
  await write(scene, onto, 0, Buffer.alloc(30 * MiB, 'old'));
  await write(scene, onto, lengthBytes + MiB, Buffer.alloc(4096, 'old'));
  const found = await restored(scene, backupId, { onto });
  assert.ok(found.subarray(0, lengthBytes).equals(content));
  assert.ok(found.subarray(lengthBytes).every((byte) => byte === 0));
});

test('a volume that is too small is refused and keeps its content', async (t) => {
  const scene = await startScene(t);
  const { backupId } = await backUpNow(scene, await makeVolume(scene));
  await assert.rejects(
    restored(scene, backupId, { lengthBytes: lengthBytes - 4096 }),
    (error: unknown) => isOperatingError(error, 'invalid_input'),
  );
});

test('backups are deleted in any order, and the next one still starts where it can', async (t) => {
  const scene = await startScene(t);
  const { engine, repository } = scene;
  const volumeId = await makeVolume(scene);
  const first = await backUpNow(scene, volumeId);
  await write(scene, volumeId, MiB, Buffer.alloc(MiB, 'second'));
  const second = await backUpNow(scene, volumeId);
  assert.equal(await engine.findSnapshot(checkpointId(first.backupId)), undefined);
  await deleteBackup({ engine, repository, backupId: first.backupId });
  assert.ok((await restored(scene, second.backupId)).equals(second.content));
  await deleteBackup({ engine, repository, backupId: second.backupId });
  assert.equal(await engine.findSnapshot(checkpointId(second.backupId)), undefined);
  const third = await backUpNow(scene, volumeId);
  assert.equal(third.outcome.parentId, null, 'nothing is left to start from');
  assert.ok((await restored(scene, third.backupId)).equals(third.content));
});

test('what was stopped goes on, and what was committed is not made again', async (t) => {
  const scene = await startScene(t);
  const volumeId = await makeVolume(scene);
  const backupId = newId();
  await scene.engine.createSnapshots([{ volumeId, snapshotId: backupId }]);
  const stop = new AbortController();
  const run = (given: AbortSignal, onProgress: () => void): Promise<BackupOutcome> =>
    backUp({
      engine: scene.engine,
      repository: scene.repository,
      snapshotId: backupId,
      facts: factsOf(backupId, volumeId),
      journalPath: join(scene.folder, 'journal'),
      signal: given,
      onProgress,
    });
  await assert.rejects(
    run(stop.signal, () => stop.abort()),
    (error: unknown) => isOperatingError(error, 'aborted'),
  );
  assert.equal(await scene.repository.findManifest(backupId), undefined);
  const outcome = await run(signal, () => undefined);
  assert.deepEqual(await run(signal, () => assert.fail('nothing is read again')), outcome);
  const content = await contentOf(scene.engine, volumeId);
  assert.ok((await restored(scene, backupId)).equals(content));
});

test('nothing is read before the checkpoint is there, nor without it', async (t) => {
  const scene = await startScene(t);
  const volumeId = await makeVolume(scene);
  await write(scene, volumeId, 0, randomBytes(MiB));
  let reads = 0;
  const openSnapshot = async (snapshotId: string): Promise<BlockDevice> => {
    const device = await scene.engine.openSnapshot(snapshotId);
    const counted = { ...device, lengthBytes: device.lengthBytes };
    const read: BlockDevice['read'] = (offsetBytes, target) => {
      reads += 1;
      return device.read(offsetBytes, target);
    };
    return { ...counted, read };
  };
  const aliasSnapshot = async (): Promise<void> => {
    for (let turn = 0; turn < 200; turn += 1) await setImmediate();
    throw new OperatingError('io', 'made to fail');
  };
  const failing = { ...scene, engine: withOwn(scene.engine, { openSnapshot, aliasSnapshot }) };
  await assert.rejects(backUpNow(failing, volumeId), (error) => isOperatingError(error, 'io'));
  assert.equal(reads, 0);
  const left = [...scene.objects.keys()];
  assert.deepEqual(
    left.filter((name) => /^(backups|packs|leases)/.test(name)),
    [],
  );
});

test('a snapshot is read by nobody any more when a failed backup closes it', async (t) => {
  const scene = await startScene(t);
  const volumeId = await makeVolume(scene);
  let reads = 0;
  let reading = 0;
  let readingAtClose: number | undefined;
  const openSnapshot = async (snapshotId: string): Promise<BlockDevice> => {
    const device = await scene.engine.openSnapshot(snapshotId);
    return {
      lengthBytes: device.lengthBytes,
      readOnly: true,
      read: async (offsetBytes, target) => {
        reads += 1;
        reading += 1;
        try {
          if (reads === 1) throw new OperatingError('io', 'made to fail');
          for (let turn = 0; turn < 50; turn += 1) await setImmediate();
          await device.read(offsetBytes, target);
        } finally {
          reading -= 1;
        }
      },
      write: () => device.write(0, new Uint8Array()),
      zero: () => device.zero(0, 0),
      trim: () => device.trim(0, 0),
      flush: () => device.flush(),
      extents: (offsetBytes, length) => device.extents(offsetBytes, length),
      close: async () => {
        readingAtClose = reading;
        await device.close();
      },
    };
  };
  const failing = { ...scene, engine: withOwn(scene.engine, { openSnapshot }) };
  await assert.rejects(backUpNow(failing, volumeId), (error) => isOperatingError(error, 'io'));
  assert.equal(readingAtClose, 0);
});

test('of backups made in any order only the newest keeps a checkpoint', async (t) => {
  const scene = await startScene(t);
  const { engine, repository } = scene;
  const volumeId = await makeVolume(scene);
  await engine.createSnapshots([{ volumeId, snapshotId: 'older' }]);
  await write(scene, volumeId, 0, Buffer.alloc(4096, 'newer'));
  const newer = await backUpNow(scene, volumeId);
  const olderId = newId();
  await backUp({
    engine,
    repository,
    snapshotId: 'older',
    facts: factsOf(olderId, volumeId),
    journalPath: join(scene.folder, 'older.journal'),
    signal,
    onProgress: () => undefined,
  });
  await releaseOlder({ ...scene, backupId: olderId });
  await write(scene, volumeId, MiB, Buffer.alloc(4096, 'newest'));
  const newest = await backUpNow(scene, volumeId);
  assert.equal(newest.outcome.parentId, newer.backupId);
  for (const backupId of [newer.backupId, olderId]) {
    assert.equal(await engine.findSnapshot(checkpointId(backupId)), undefined);
  }
  assert.ok((await engine.findSnapshot(checkpointId(newest.backupId))) !== undefined);
});

test('a checkpoint without its backup releases no other', async (t) => {
  const scene = await startScene(t);
  const { engine } = scene;
  const volumeId = await makeVolume(scene);
  const first = await backUpNow(scene, volumeId);
  const backupId = newId();
  await engine.createSnapshots([{ volumeId, snapshotId: checkpointId(backupId) }]);
  await releaseOlder({ ...scene, backupId });
  assert.ok((await engine.findSnapshot(checkpointId(first.backupId))) !== undefined);
});

test('a backup is deleted although another one is damaged', async (t) => {
  const scene = await startScene(t);
  const { engine, repository, objects } = scene;
  const volumeId = await makeVolume(scene);
  const first = await backUpNow(scene, volumeId);
  const second = await backUpNow(scene, volumeId);
  objects.set(`backups/${first.backupId}`, Buffer.from('damaged'));
  await deleteBackup({ engine, repository, backupId: second.backupId });
  assert.equal(await repository.findManifest(second.backupId), undefined);
  // What the damaged one needs is not known, so that nothing is given back.
  await assert.rejects(pruneRepository(repository, { signal }), (error) =>
    isOperatingError(error, 'corrupt'),
  );
  await deleteBackup({ engine, repository, backupId: first.backupId });
  assert.ok((await pruneRepository(repository, { signal })) > 0);
});

test('the same data in another volume, or moved within one, is stored once', async (t) => {
  const scene = await startScene(t);
  const data = randomBytes(8 * MiB);
  const volumeId = await makeVolume(scene);
  await write(scene, volumeId, 16 * MiB, data);
  await backUpNow(scene, volumeId);
  const other = newId();
  await scene.engine.createVolume({ volumeId: other, lengthBytes });
  await write(scene, other, 2 * MiB, data);
  const ofOther = await backUpNow(scene, other);
  assert.equal(ofOther.outcome.parentId, null);
  assert.ok(ofOther.outcome.bytesStored < 64 * KiB);
  await write(scene, volumeId, 28 * MiB + 64 * KiB, data);
  const moved = await backUpNow(scene, volumeId);
  assert.ok(moved.outcome.bytesStored < 64 * KiB);
  for (const { backupId, content } of [ofOther, moved]) {
    assert.ok((await restored(scene, backupId)).equals(content));
  }
});

test('full, zeros over MiB, incremental, restore to a new volume: equal', async (t) => {
  const scene = await startScene(t);
  const volumeId = await makeVolume(scene);
  await write(scene, volumeId, 0, randomBytes(16 * MiB));
  await backUpNow(scene, volumeId);
  // As a guest does it: plain zeros, zeros by command, and a trim.
  await write(scene, volumeId, 3 * MiB, Buffer.alloc(4 * MiB));
  const device = await scene.engine.openVolume(volumeId);
  await device.zero(8 * MiB + 4096, 3 * MiB);
  await device.trim(12 * MiB, 64 * KiB);
  await device.close();
  const { backupId, outcome, content } = await backUpNow(scene, volumeId);
  assert.ok(outcome.parentId !== null);
  assert.ok((await restored(scene, backupId)).equals(content));
  assert.ok(content.subarray(9 * MiB, 10 * MiB).every((byte) => byte === 0));
});
