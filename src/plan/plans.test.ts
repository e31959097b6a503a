import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everyProject } from '../catalog/catalog.ts';
import { deleteBackup } from '../operation/backup/delete-backup.ts';
import { updateBackup } from '../operation/backup/update-backup.ts';
import { findHold, placeHold, releaseHold } from '../operation/hold/holds.ts';
import { callerIn } from '../operation/operation-fixture.ts';
import { deleteVolume } from '../operation/volume/delete-volume.ts';
import { dayMs, openPlanScene, type PlanScene } from './plan-fixture.ts';
import { createPlan, deletePlan, listPlans, showPlan, updatePlan } from './plans.ts';
import { listProtection } from './protection.ts';
import { whatIf } from './what-if.ts';

async function nights(scene: PlanScene, count: number): Promise<void> {
  for (let night = 0; night <= count; night += 1) {
    await scene.scheduler.round();
    await scene.work();
    await scene.scheduler.round();
    await scene.work();
    if (night < count) scene.clock.set(scene.clock.now() + dayMs);
  }
}

const shieldOf = async (scene: PlanScene): Promise<[string, string]> => {
  const { rows } = await listProtection(scene.needs, scene.caller, { limit: 10 });
  return [rows[0]?.shield ?? '', rows[0]?.reason ?? ''];
};

test('a plan deletes what its rules no longer keep, and only what it made itself', async (t) => {
  const scene = await openPlanScene(t);
  await scene.plan({ retention: { last: 2 } });
  const volume = await scene.volume();
  await nights(scene, 1);
  const [foreign] = await scene.backups();
  // A backup that looks like the plan's own, and is none.
  await scene.catalog.insert('backups', {
    ...(foreign ?? assert.fail()),
    id: 'foreign',
    dataTimestamp: Date.UTC(2020, 0, 1),
  });
  await nights(scene, 5);
  const backups = await scene.backups();
  assert.equal(backups.length, 3);
  assert.ok(backups.some(({ id }) => id === 'foreign'));
  const deleted = (await scene.runs()).reduce((sum, run) => sum + run.deleted, 0);
  assert.equal(deleted, 5);
  const newest = backups.reduce((one, other) =>
    other.dataTimestamp > one.dataTimestamp ? other : one,
  );
  const end = new Date(newest.dataTimestamp + 2 * dayMs).toISOString().slice(0, 19);
  assert.equal(newest.metadata['firn:expires_at']?.slice(0, 19), end);
  const update = { metadata: { mine: 'yes', 'firn:plan': 'forged' } };
  const updated = await updateBackup(scene.needs, scene.caller, newest.id, update);
  assert.deepEqual(
    [updated.metadata['mine'], updated.metadata['firn:plan']],
    ['yes', 'nightly'],
    'what Firn noted stays',
  );
  assert.equal(newest.volumeId, volume.id);
});

test('the last good, verified backup stays, however many come after it', async (t) => {
  const scene = await openPlanScene(t);
  await scene.plan({ retention: { last: 1 } });
  await scene.volume();
  await nights(scene, 0);
  const [first] = await scene.backups();
  const at = scene.clock.now();
  const verification = { depth: 'blocks', outcome: 'good', at, damage: [], reason: null } as const;
  await scene.catalog.change(
    'backups',
    { id: first?.id ?? '', projectId: everyProject },
    { verification: { ...verification, damage: [] }, verifiedAt: at },
  );
  assert.equal((await shieldOf(scene))[0], 'proven');
  await nights(scene, 3);
  const backups = await scene.backups();
  assert.equal(backups.length, 2);
  assert.ok(backups.some(({ id }) => id === first?.id));
});

test('a hold keeps a backup from a plan and from everybody, until it is released', async (t) => {
  const scene = await openPlanScene(t);
  await scene.plan({ retention: { last: 1 } });
  const volume = await scene.volume();
  await nights(scene, 0);
  const [first] = await scene.backups();
  const held = { kind: 'backup', id: first?.id ?? '' } as const;
  await placeHold(scene.needs, scene.caller, held, 'court case 7');
  await nights(scene, 3);
  assert.ok((await scene.backups()).some(({ id }) => id === held.id));
  const deletion = deleteBackup(scene.needs, scene.caller, held.id, { force: false });
  await assert.rejects(
    deletion,
    /kept: there is a hold on backup .*court case 7.*Release it first/,
  );
  await assert.rejects(placeHold(scene.needs, callerIn('beta'), held, null), /could not be found/);
  await placeHold(scene.needs, scene.caller, { kind: 'volume', id: volume.id }, null);
  const gone = deleteVolume(scene.needs, scene.caller, volume.id, { cascade: false, force: false });
  await assert.rejects(gone, /a hold on volume/);
  await releaseHold(scene.needs, scene.caller, held);
  assert.equal(await findHold(scene.needs, scene.caller, held), undefined);
  await assert.rejects(
    deleteBackup(scene.needs, scene.caller, held.id, { force: false }),
    /a hold on volume/,
    'the hold on the volume keeps its backups',
  );
  await releaseHold(scene.needs, scene.caller, { kind: 'volume', id: volume.id });
  await nights(scene, 2);
  assert.deepEqual(
    (await scene.backups()).map(({ id }) => id === held.id),
    [false],
  );
});

test('deleting a plan asks what becomes of what it made', async (t) => {
  const scene = await openPlanScene(t);
  const plan = await scene.plan({});
  await scene.volume();
  await nights(scene, 2);
  const remove = (made?: 'keep' | 'delete') => deletePlan(scene.needs, scene.caller, plan.id, made);
  await assert.rejects(remove(), /made 3 snapshots or backups.*made=keep.*made=delete/);
  assert.equal((await showPlan(scene.needs, scene.caller, plan.id)).name, 'nightly');
  await remove('keep');
  assert.equal((await scene.backups()).length, 3);
  assert.equal((await shieldOf(scene))[0], 'unprotected');
  const next = await scene.plan({ retention: { last: 1 } });
  await nights(scene, 2);
  assert.equal((await scene.backups()).length, 4, "those that were kept are nobody's");
  await deletePlan(scene.needs, scene.caller, next.id, 'delete');
  await scene.work();
  assert.equal((await scene.backups()).length, 3);
});

test('what makes no sense is refused, and changes nothing', async (t) => {
  const scene = await openPlanScene(t);
  const plan = await scene.plan({});
  await assert.rejects(scene.plan({}), { code: 'exists', field: 'name' });
  await assert.rejects(scene.plan({ name: 'a,b' }), { code: 'invalid_input', field: 'name' });
  await assert.rejects(scene.plan({ name: 'x', schedule: '0 0 30 2 *' }), /no day that comes/);
  await assert.rejects(
    scene.plan({ name: 'x', schedule: '*/15 * * * *', spreadMinutes: 20 }),
    /spread_minutes is at most 14/,
  );
  const unknown = { volumes: ['9b0c7a6e-2f5b-4e8e-8a1e-000000000000'] };
  await assert.rejects(scene.plan({ name: 'x', selection: unknown }), { field: 'volumes' });
  const rename = { timeZone: 'Mars/Olympus' };
  await assert.rejects(updatePlan(scene.needs, scene.caller, plan.id, rename), /no time zone/);
  await assert.rejects(showPlan(scene.needs, callerIn('beta'), plan.id), { code: 'not_found' });
  const reader = callerIn('alpha', ['reader']);
  const same = { ...plan, selection: {}, retention: {} };
  await assert.rejects(createPlan(scene.needs, reader, same), { code: 'forbidden' });
  const { rows } = await listPlans(scene.needs, reader, { limit: 10 });
  assert.deepEqual(
    rows.map(({ name, timeZone }) => [name, timeZone]),
    [['nightly', 'UTC']],
  );
});

test('shields say in a sentence how well a volume is protected', async (t) => {
  const scene = await openPlanScene(t);
  await scene.volume();
  assert.deepEqual(await shieldOf(scene), [
    'unprotected',
    'There is no backup of it, and no plan makes new ones.',
  ]);
  const plan = await scene.plan({});
  assert.match((await shieldOf(scene))[1], /first backup has not been made yet/);
  await nights(scene, 0);
  scene.clock.set(scene.clock.now() + 3 * 3_600_000);
  assert.deepEqual(await shieldOf(scene), [
    'protected',
    'It was backed up 3 hours ago; no backup has been checked yet.',
  ]);
  scene.clock.set(scene.clock.now() + 4 * dayMs);
  assert.deepEqual(await shieldOf(scene), ['failing', 'The last backup is 4 days ago: too old.']);
  await updatePlan(scene.needs, scene.caller, plan.id, { enabled: false });
  assert.match((await shieldOf(scene))[1], /The last backup is 4 days ago, and no plan makes new/);
});

test('what if: what is kept and deleted until a day, with what that frees at most', async (t) => {
  const scene = await openPlanScene(t);
  const plan = await scene.plan({});
  const volume = await scene.volume();
  await nights(scene, 9);
  for (const { id } of await scene.backups()) {
    await scene.catalog.change('backups', { id, projectId: everyProject }, { bytesStored: 1000 });
  }
  const rules = { last: 3, monthly: 2 };
  const ask = (until: number) =>
    whatIf(scene.needs, scene.caller, {
      plan: { ...plan, retention: rules },
      until,
      volumeId: undefined,
    });
  const now = await ask(scene.clock.now());
  assert.equal(now.items.length, 10);
  assert.equal(now.items.filter(({ reasons }) => reasons.length > 0).length, 3);
  assert.deepEqual(now.freed, { backupCount: 7, bytesMin: 0, bytesMax: 7000 });
  assert.equal((await scene.backups()).length, 10, 'nothing was deleted');
  const later = await ask(scene.clock.now() + 40 * dayMs);
  const kept = later.items.filter(({ reasons }) => reasons.length > 0);
  assert.equal(later.items.length, 50);
  assert.deepEqual(
    kept.map(({ reasons }) => reasons.includes('monthly')),
    [true, false, false, true],
  );
  assert.ok(kept.every(({ volumeId, future }) => volumeId === volume.id && future));
  assert.equal(now.nextRuns.length, 5);
});
