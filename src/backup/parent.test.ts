import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { KiB, MiB } from '../base/bytes.ts';
import { newId } from '../base/ids.ts';
import type { Repository } from '../repository/repository.ts';
import type { VolumeEngine } from '../volume/engine.ts';
import { backUp } from './back-up.ts';
import {
  backUpNow,
  contentOf,
  factsOf,
  lengthBytes,
  makeVolume,
  restored,
  settled,
  signal,
  startScene,
  withOwn,
  write,
} from './back-up-fixture.ts';
import { checkpointId } from './checkpoint.ts';
import { deleteBackup } from './delete-backup.ts';

test('a clone starts from the backups of its source', async (t) => {
  const scene = await startScene(t);
  const volumeId = await makeVolume(scene);
  const first = await backUpNow(scene, volumeId);
  const clone = newId();
  await scene.engine.createVolume({ volumeId: clone, lengthBytes, from: { volumeId } });
  await write(scene, clone, 0, Buffer.alloc(4096, 'clone'));
  const second = await backUpNow(scene, clone);
  assert.equal(second.outcome.parentId, first.backupId);
  assert.equal(second.outcome.bytesRead, 64 * KiB);
  assert.ok((await restored(scene, second.backupId)).equals(second.content));
});

test('a parent that is deleted meanwhile is done without', async (t) => {
  const scene = await startScene(t);
  const { engine, repository } = scene;
  const volumeId = await makeVolume(scene);
  const first = await backUpNow(scene, volumeId);
  let tries = 0;
  const openWriter: Repository['openWriter'] = async (options) => {
    tries += 1;
    await deleteBackup({ engine, repository, backupId: first.backupId });
    return await repository.openWriter(options);
  };
  const racing = { ...scene, repository: withOwn(repository, { openWriter }) };
  const second = await backUpNow(racing, volumeId);
  assert.equal(tries, 2);
  assert.equal(second.outcome.parentId, null);
  assert.ok((await restored(scene, second.backupId)).equals(second.content));
});

test("a parent's layer that is let go meanwhile is still there to compare with", async (t) => {
  const scene = await startScene(t);
  const { engine, repository } = scene;
  const volumeId = await makeVolume(scene);
  const first = await backUpNow(scene, volumeId);
  await write(scene, volumeId, 20 * MiB, Buffer.alloc(4096, 'second'));
  let released = 0;
  // As a backup that is newer than this one does it when it ends.
  const findManifest: Repository['findManifest'] = async (backupId) => {
    if (backupId === first.backupId) {
      released += 1;
      await engine.deleteSnapshot(checkpointId(backupId));
      await settled(engine);
    }
    return await repository.findManifest(backupId);
  };
  const racing = { ...scene, repository: withOwn(repository, { findManifest }) };
  const second = await backUpNow(racing, volumeId);
  assert.ok(released > 0);
  assert.equal(second.outcome.parentId, first.backupId);
  assert.equal(second.outcome.bytesRead, 64 * KiB);
  assert.ok((await restored(scene, second.backupId)).equals(second.content));
});

test('a layer that is gone when it is looked at makes way for the next nearest', async (t) => {
  const scene = await startScene(t);
  const { engine } = scene;
  const volumeId = await makeVolume(scene);
  const first = await backUpNow(scene, volumeId);
  const facts = await engine.findSnapshot(checkpointId(first.backupId));
  await engine.aliasSnapshot({ snapshotId: checkpointId(first.backupId), aliasId: 'kept' });
  await write(scene, volumeId, 20 * MiB, Buffer.alloc(4096, 'second'));
  await backUpNow(scene, volumeId);
  await write(scene, volumeId, 21 * MiB, Buffer.alloc(4096, 'third'));
  const changedExtents: VolumeEngine['changedExtents'] = async (options) =>
    options.sinceLayerId === facts?.layerId ? engine.changedExtents(options) : undefined;
  const racing = { ...scene, engine: withOwn(engine, { changedExtents }) };
  const third = await backUpNow(racing, volumeId);
  assert.equal(third.outcome.parentId, first.backupId);
  assert.equal(third.outcome.bytesRead, 2 * 64 * KiB);
  assert.ok((await restored(scene, third.backupId)).equals(third.content));
});

test('an older snapshot is compared with the newer backup that grew from it', async (t) => {
  const scene = await startScene(t);
  const { engine, repository } = scene;
  const volumeId = await makeVolume(scene);
  const olderId = newId();
  await engine.createSnapshots([{ volumeId, snapshotId: olderId }]);
  const content = await contentOf(engine, volumeId);
  const device = await engine.openVolume(volumeId);
  await device.zero(4 * MiB, MiB);
  await device.write(20 * MiB, Buffer.alloc(64 * KiB, 'newer'));
  await device.close();
  const newer = await backUpNow(scene, volumeId);
  const outcome = await backUp({
    engine,
    repository,
    snapshotId: olderId,
    facts: factsOf(olderId, volumeId),
    journalPath: join(scene.folder, 'older.journal'),
    signal,
    onProgress: () => undefined,
  });
  assert.equal(outcome.parentId, newer.backupId);
  assert.equal(outcome.bytesRead, MiB, 'what the newer one holds and this does not is not read');
  assert.ok((await restored(scene, olderId)).equals(content));
  assert.ok((await restored(scene, newer.backupId)).equals(newer.content));
});

test("a clone's backup leaves its source the place to start from", async (t) => {
  const scene = await startScene(t);
  const volumeId = await makeVolume(scene);
  const first = await backUpNow(scene, volumeId);
  const clone = newId();
  await scene.engine.createVolume({ volumeId: clone, lengthBytes, from: { volumeId } });
  assert.equal((await backUpNow(scene, clone)).outcome.parentId, first.backupId);
  assert.ok((await scene.engine.findSnapshot(checkpointId(first.backupId))) !== undefined);
});

test('a parent is found without reading every manifest again', async (t) => {
  const scene = await startScene(t);
  const volumeId = await makeVolume(scene);
  for (let n = 0; n < 5; n += 1) await backUpNow(scene, volumeId);
  let listings = 0;
  const { objects } = scene;
  // The store in memory lists what it holds by the names of its objects.
  objects.keys = () => {
    listings += 1;
    return Map.prototype.keys.call(objects);
  };
  const last = await backUpNow(scene, volumeId);
  assert.equal(listings, 1, 'only what other processes may have pruned is looked for');
  await deleteBackup({ ...scene, backupId: last.backupId });
  assert.notEqual((await backUpNow(scene, volumeId)).outcome.parentId, last.backupId);
});

test('without the parent layer everything is read, and only what differs is stored', async (t) => {
  const scene = await startScene(t);
  const volumeId = await makeVolume(scene);
  await write(scene, volumeId, 16 * MiB, randomBytes(8 * MiB));
  const first = await backUpNow(scene, volumeId);
  const changedExtents = (): Promise<undefined> => Promise.resolve(undefined);
  const forgetful = { ...scene, engine: withOwn(scene.engine, { changedExtents }) };
  await write(scene, volumeId, 17 * MiB, randomBytes(4096));
  const device = await scene.engine.openVolume(volumeId);
  await device.zero(20 * MiB, 2 * MiB);
  await device.close();
  const second = await backUpNow(forgetful, volumeId);
  assert.equal(second.outcome.parentId, first.backupId);
  assert.ok(second.outcome.bytesRead >= 14 * MiB, 'nobody knows what changed');
  assert.ok(second.outcome.bytesStored < 32 * KiB, `stored ${second.outcome.bytesStored} bytes`);
  assert.ok((await restored(scene, second.backupId)).equals(second.content));
});
