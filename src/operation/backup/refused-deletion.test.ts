/** A store that refuses to remove something: who deleted it is told, and the next try ends it. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { must } from '../../base/assert.ts';
import { OperatingError } from '../../base/errors.ts';
import type { JobRow, MessageRow } from '../../catalog/tables.ts';
import { FaultyStore, type StoreOperation } from '../../store/fault.ts';
import { openMemoryRoot } from '../../store/memory.ts';
import { wrapRoot } from '../../store/wrap-root.ts';
import { ann, max, openScene, type Scene } from '../operation-fixture.ts';
import { listMessages } from '../messages.ts';
import { askBackup, makeVolume, writeAt } from '../requests-fixture.ts';
import { deleteBackup } from './delete-backup.ts';
import { showBackup } from './list-backups.ts';
import { listRepositories } from './list-repositories.ts';
import { startPrune } from './prune-repository.ts';

interface LockedScene {
  readonly scene: Scene;
  /** Refuses to remove objects whose names begin so; undefined: lets all go. */
  lock: string | undefined;
  readonly names: () => Promise<string[]>;
}

async function openLocked(t: TestContext): Promise<LockedScene> {
  const root = openMemoryRoot();
  const locked: { lock: string | undefined } = { lock: undefined };
  const isLocked = ({ verb, name }: StoreOperation): boolean =>
    verb === 'remove' && locked.lock !== undefined && name.startsWith(locked.lock);
  const wrapped = wrapRoot(root, (store) => {
    const error = new OperatingError('denied', 's3://b does not let Firn remove it');
    const fault = { kind: 'fail', error } as const;
    return new FaultyStore(store, (operation) => (isLocked(operation) ? fault : undefined));
  });
  const scene = await openScene(t, { root: wrapped });
  const names = async (): Promise<string[]> => {
    const store = await root.open('volumebackups', { create: false });
    return (await Array.fromAsync(store.list(''))).map(({ name }) => name);
  };
  return Object.assign(locked, { scene, names });
}

async function backedUp(scene: Scene): Promise<string> {
  const volume = await makeVolume(scene, { name: 'data' });
  await writeAt(scene, volume.id, 0, 'precious');
  const { id } = await askBackup(scene, { volumeId: volume.id });
  await scene.work();
  return id;
}

async function messagesOf(scene: Scene): Promise<MessageRow[]> {
  const list = { where: {}, sort: [], limit: 10, marker: undefined };
  return (await listMessages(scene, max, list)).rows;
}

async function lastPrune(scene: Scene): Promise<JobRow> {
  const [repository] = await listRepositories(scene, ann);
  return must(repository?.lastPrune, 'a prune');
}

test('a prune that the store refuses is told, and ends when it does not any more', async (t) => {
  const locked = await openLocked(t);
  const { scene } = locked;
  const id = await backedUp(scene);
  locked.lock = 'packs/';
  for (const backupId of [id, await backedUp(scene)]) {
    await deleteBackup(scene, max, backupId, { force: false });
    await scene.work();
    await assert.rejects(showBackup(scene, max, backupId), { code: 'not_found' });
  }
  const [message, ...more] = await messagesOf(scene);
  assert.deepEqual(more, [], 'the newest one stands for all');
  assert.equal(message?.resourceType, 'VOLUME_BACKUP_CONTAINER');
  assert.equal(message.resourceId, 'volumebackups');
  assert.match(message.userMessage, /^prune of backups: .*not let Firn remove it.*object lock/);
  assert.match(message.userMessage, /not given back yet.* run "firn repository prune"/);
  assert.equal((await lastPrune(scene)).state, 'failed');

  locked.lock = undefined;
  await startPrune(scene, ann, 'volumebackups');
  await scene.work();
  assert.equal((await lastPrune(scene)).state, 'done');
  assert.deepEqual(
    (await locked.names()).filter((name) => name.startsWith('packs/')),
    [],
  );
});

test('a deletion that the store refuses is told, and can be asked for again', async (t) => {
  const locked = await openLocked(t);
  const { scene } = locked;
  const id = await backedUp(scene);
  locked.lock = 'backups/';
  await deleteBackup(scene, max, id, { force: false });
  await scene.work();
  const row = await showBackup(scene, max, id);
  assert.equal(row.status, 'error');
  assert.match(row.failReason ?? '', /does not let Firn remove it/);
  const [message] = await messagesOf(scene);
  assert.match(message?.userMessage ?? '', /^delete backup: .*Delete it again when the store lets/);

  locked.lock = undefined;
  await deleteBackup(scene, max, id, { force: false });
  await scene.work();
  await assert.rejects(showBackup(scene, max, id), { code: 'not_found' });
});
