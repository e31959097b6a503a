/** What "what if" says is freed, against what a real prune gives back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBytes, seeded } from '../../demo/random.ts';
import { MiB } from '../base/bytes.ts';
import { newId } from '../base/ids.ts';
import type { PlanRow } from '../catalog/plan-tables.ts';
import { deleteBackup } from '../operation/backup/delete-backup.ts';
import { max, openScene, type Scene } from '../operation/operation-fixture.ts';
import { askBackup, makeVolume } from '../operation/requests-fixture.ts';
import { MemoryStore } from '../store/memory.ts';
import { whatIf } from './what-if.ts';

const seed = 20_261_125;

async function storedBytes(scene: Scene): Promise<number> {
  const store = await scene.root.open('volumebackups', { create: false });
  assert.ok(store instanceof MemoryStore);
  return [...store.objects.values()].reduce((sum, object) => sum + object.length, 0);
}

async function write(scene: Scene, volumeId: string, at: number, bytes: Buffer): Promise<void> {
  const device = await scene.engine.openVolume(volumeId);
  await device.write(at, bytes);
  await device.flush();
  await device.close();
}

/** A plan that made these backups, and keeps the newest. */
async function planOf(
  scene: Scene,
  volumeId: string,
  backupIds: readonly string[],
): Promise<PlanRow> {
  const { catalog, clock } = scene;
  const { projectId, userId } = max;
  const plan: PlanRow = {
    id: newId(),
    projectId,
    userId,
    name: 'nightly',
    description: null,
    enabled: true,
    action: 'backup',
    selection: { all: true },
    schedule: 'daily',
    timeZone: 'UTC',
    spreadMinutes: 0,
    retention: { last: 1 },
    options: {},
    createdAt: clock.now(),
    updatedAt: null,
  };
  await catalog.insert('plans', plan);
  for (const id of backupIds) {
    const facts = { projectId, planId: plan.id, volumeId, kind: 'backup' } as const;
    await catalog.insert('planItems', { id, ...facts, createdAt: clock.now() });
  }
  return plan;
}

test('what if says to the byte what deleting what goes gives back', async (t) => {
  t.diagnostic(`seed ${seed}`);
  const random = seeded(seed);
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  const ids: string[] = [];
  for (let night = 0; night < 4; night += 1) {
    // A common part that the first three share, and one of each night's own.
    if (night === 0) await write(scene, volumeId, 0, randomBytes(random, MiB));
    if (night === 3) await write(scene, volumeId, 0, randomBytes(random, MiB));
    await write(scene, volumeId, (night + 2) * MiB, randomBytes(random, MiB / 2));
    const { id } = await askBackup(scene, { volumeId });
    await scene.work();
    ids.push(id);
  }
  const plan = await planOf(scene, volumeId, ids);
  const ask = { plan, until: scene.clock.now(), volumeId: undefined };
  const { freed, items } = await whatIf(scene, max, ask);
  const going = items.filter(({ reasons }) => reasons.length === 0).map(({ id }) => id);
  assert.deepEqual(going.toSorted(), ids.slice(0, 3).toSorted());
  assert.equal(freed.bytesMin, freed.bytesMax);
  // The common part that was written over; the halves of the three nights are in the fourth, too.
  assert.ok(freed.bytesMin > MiB * 0.99 && freed.bytesMin < MiB * 1.01, `${freed.bytesMin}`);
  const before = await storedBytes(scene);
  for (const id of going) await deleteBackup(scene, max, id, { force: false });
  await scene.work();
  const given = before - (await storedBytes(scene));
  const { freed: rest } = await whatIf(scene, max, ask);
  assert.equal(rest.bytesMax, 0);
  // Besides the blocks go manifests and directories; a node in a pack that is in use waits for it.
  assert.ok(Math.abs(given - freed.bytesMin) < MiB / 100, `${given} of ${freed.bytesMin}`);
});
