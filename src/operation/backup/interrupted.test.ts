/** Backups and restores that are stopped on the way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '../../base/bytes.ts';
import { must } from '../../base/assert.ts';
import { OperatingError } from '../../base/errors.ts';
import { FaultyStore } from '../../store/fault.ts';
import { MemoryStore, openMemoryRoot } from '../../store/memory.ts';
import { wrapRoot } from '../../store/wrap-root.ts';
import { ann, jobContext, max, openScene, type Scene } from '../operation-fixture.ts';
import { askBackup, makeVolume, readAt, writeAt } from '../requests-fixture.ts';
import { deleteBackup } from './delete-backup.ts';
import { showBackup } from './list-backups.ts';
import { startPrune } from './prune-repository.ts';
import { restoreBackup } from './restore-backup.ts';

/** More than a restore writes between two notes of its place. */
const dataBytes = 160 * MiB;

async function fill({ engine }: Scene, volumeId: string, text: string): Promise<void> {
  const device = await engine.openVolume(volumeId);
  for (let at = 0; at < dataBytes; at += 8 * MiB) {
    await device.write(at, Buffer.alloc(8 * MiB, `${text} at ${at};`));
  }
  await device.flush();
  await device.close();
}

async function assertEqual({ engine }: Scene, one: string, other: string): Promise<void> {
  const devices = [await engine.openVolume(one), await engine.openVolume(other)];
  const [here, there] = [Buffer.alloc(8 * MiB), Buffer.alloc(8 * MiB)];
  for (let at = 0; at < dataBytes + 64 * MiB; at += 8 * MiB) {
    await devices[0]?.read(at, here);
    await devices[1]?.read(at, there);
    assert.ok(here.equals(there), `from ${at} on`);
  }
  for (const device of devices) await device.close();
}

test('a restore that was stopped goes on from where it was', async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  await fill(scene, volumeId, 'new');
  const { id: backupId } = await askBackup(scene, { volumeId });
  await scene.work();
  const { id: onto } = await makeVolume(scene);
  await fill(scene, onto, 'old');
  await writeAt(scene, onto, dataBytes + 8 * MiB, 'behind');
  await restoreBackup(scene, max, backupId, { volumeId: onto, name: null });
  const job = must(await scene.jobs.next(), 'the job');
  const handler = must(scene.handlers[job.kind], 'its handler');
  const stop = new AbortController();
  const progress = (bytesDone: number): void => {
    if (bytesDone > 110 * MiB) stop.abort();
  };
  const stopped = handler.run(job, { ...jobContext(stop.signal), progress });
  await assert.rejects(stopped, { code: 'aborted' });
  const seen: number[] = [];
  await handler.run(job, { ...jobContext(), progress: (bytesDone) => seen.push(bytesDone) });
  assert.ok((seen[0] ?? 0) >= 64 * MiB, `it goes on from ${seen[0]}`);
  assert.equal(seen.at(-1), dataBytes);
  await assertEqual(scene, volumeId, onto);
});

test('what a backup that failed had stored is given back', async (t) => {
  const memory = openMemoryRoot();
  const full = new OperatingError('no_space', 'the store is full');
  const root = wrapRoot(
    memory,
    (store) =>
      new FaultyStore(store, ({ verb, name }) =>
        verb === 'put' && name.startsWith('backups/') ? { kind: 'fail', error: full } : undefined,
      ),
  );
  const scene = await openScene(t, { root });
  const { id: volumeId } = await makeVolume(scene);
  await writeAt(scene, volumeId, 0, 'data');
  const { id } = await askBackup(scene, { volumeId });
  const job = must(await scene.jobs.next(), 'the job');
  const handler = must(scene.handlers[job.kind], 'its handler');
  await assert.rejects(handler.run(job, jobContext()), full);
  const store = await memory.open('volumebackups', { create: false });
  assert.ok(store instanceof MemoryStore);
  const packs = (): string[] => [...store.objects.keys()].filter((it) => it.startsWith('packs/'));
  assert.ok(packs().length > 0, 'it stored something before');
  await handler.fail(job, full);
  await scene.catalog.change('jobs', { id: job.id }, { state: 'failed' });
  assert.equal((await showBackup(scene, max, id)).status, 'error');
  await scene.work();
  assert.deepEqual(packs(), []);
});

test('what a backup needs stays when only its manifest was removed by others', async (t) => {
  const memory = openMemoryRoot();
  const scene = await openScene(t, { root: memory });
  const ids: string[] = [];
  for (const text of ['first', 'second']) {
    const { id: volumeId } = await makeVolume(scene);
    await writeAt(scene, volumeId, 0, text);
    ids.push((await askBackup(scene, { volumeId })).id);
    await scene.work();
  }
  const [lost = '', other = ''] = ids;
  const store = await memory.open('volumebackups', { create: false });
  const manifest = await store.get(`backups/${lost}`);
  await store.remove(`backups/${lost}`);
  await deleteBackup(scene, max, other, { force: false });
  const isPrune = { kind: 'repository.prune' } as const;
  await scene.work();
  assert.equal((await scene.catalog.find('jobs', isPrune))?.state, 'failed');
  await assert.rejects(
    must(scene.handlers['repository.prune'], 'its handler').run(
      must(await scene.catalog.find('jobs', isPrune), 'the prune'),
      jobContext(),
    ),
    { code: 'corrupt', message: new RegExp(`^nothing is pruned, .* backups/${lost}, which`) },
  );
  await store.put(`backups/${lost}`, [manifest]);
  await startPrune(scene, ann, 'volumebackups');
  await scene.work();
  const { volume } = await restoreBackup(scene, max, lost, { volumeId: null, name: null });
  await scene.work();
  assert.equal(await readAt(scene, volume.id, 0, 5), 'first');
  await store.remove(`backups/${lost}`);
  await deleteBackup(scene, max, lost, { force: false });
  await scene.work();
  const packs = await Array.fromAsync(store.list('packs/'));
  assert.deepEqual(packs, [], 'who deletes the backup gives up its blocks');
});
