import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everyProject } from '../catalog/catalog.ts';
import { updateVolume } from '../operation/volume/update-volume.ts';
import { itemsOf } from './items.ts';
import { dayMs, hourMs, minuteMs, openPlanScene, type PlanScene } from './plan-fixture.ts';
import { runPlanNow, updatePlan } from './plans.ts';
import { keep } from './retention.ts';
import { zoneOf } from './zone.ts';

/** Lets time go on, with a round and the work of jobs whenever something is due. */
async function pass(
  scene: PlanScene,
  durationMs: number,
  fails: () => boolean = () => false,
): Promise<void> {
  const end = scene.clock.now() + durationMs;
  await beat(scene, fails);
  while (scene.clock.now() < end) {
    const [next] = await scene.catalog.list('protections', {
      where: { projectId: everyProject, nextAt: { above: scene.clock.now() } },
      sort: [{ field: 'nextAt', direction: 'asc' }],
      limit: 1,
    });
    scene.clock.set(Math.min(end, next?.nextAt ?? end));
    await beat(scene, fails);
  }
}

/** What is due starts, is worked on, and is seen to have ended. */
async function beat(scene: PlanScene, fails: () => boolean = () => false): Promise<void> {
  await scene.scheduler.round();
  await scene.work(fails);
  await scene.scheduler.round();
  await scene.work();
}

async function protectionOf(scene: PlanScene, volumeId: string) {
  return await scene.catalog.find('protections', { volumeId, projectId: everyProject });
}

test('a volume that comes under a plan is backed up at once, and then as scheduled', async (t) => {
  const scene = await openPlanScene(t);
  await scene.plan({});
  const volume = await scene.volume({ name: 'web' });
  await beat(scene);
  const [first] = await scene.backups();
  assert.equal(first?.volumeId, volume.id);
  assert.deepEqual([first?.status, first?.metadata['firn:plan']], ['available', 'nightly']);
  assert.equal(first?.description, 'Made by plan nightly of web');
  const protection = await protectionOf(scene, volume.id);
  assert.equal(protection?.state, 'waiting');
  assert.equal(protection?.nextAt, Date.UTC(2026, 0, 2, 1));
  await pass(scene, 3 * dayMs);
  const instants = (await scene.backups()).map(({ dataTimestamp }) => dataTimestamp);
  const nights = [2, 3, 4].map((day) => Date.UTC(2026, 0, day, 1));
  assert.deepEqual(new Set(instants), new Set([Date.UTC(2026, 0, 1, 12), ...nights]));
});

test('what was missed during a stop is caught up once, and a few at a time', async (t) => {
  const scene = await openPlanScene(t);
  const plan = await scene.plan({ schedule: 'hourly' });
  const ids = await Promise.all([1, 2, 3].map(async () => (await scene.volume()).id));
  await beat(scene);
  scene.clock.set(scene.clock.now() + 10 * dayMs);
  assert.equal((await scene.scheduler.round()).started, 3);
  await scene.work();
  await beat(scene);
  assert.equal((await scene.runs()).length, 6);
  for (const id of ids) {
    assert.equal((await protectionOf(scene, id))?.nextAt, scene.clock.now() + hourMs);
  }
  await runPlanNow(scene.needs, scene.caller, plan.id, undefined);
  assert.equal((await scene.scheduler.round()).started, 3);
});

test('a failed run is tried again with back-off, then is a message, and goes on', async (t) => {
  const scene = await openPlanScene(t);
  await scene.plan({});
  const volume = await scene.volume();
  const broken = (): boolean => true;
  await beat(scene, broken);
  const waits: number[] = [];
  for (let attempt = 1; attempt < 4; attempt += 1) {
    const protection = await protectionOf(scene, volume.id);
    assert.deepEqual([protection?.state, protection?.attempts], ['retrying', attempt]);
    waits.push(((protection?.nextAt ?? 0) - scene.clock.now()) / minuteMs);
    scene.clock.set(protection?.nextAt ?? 0);
    await beat(scene, broken);
  }
  assert.deepEqual(waits, [1, 5, 15]);
  const failing = await protectionOf(scene, volume.id);
  assert.deepEqual([failing?.state, failing?.lastError], ['failing', 'The store is away.']);
  assert.equal(failing?.nextAt, Date.UTC(2026, 0, 2, 1));
  const messages = await scene.catalog.list('messages', {
    where: { projectId: 'alpha' },
    limit: 10,
  });
  assert.equal(messages.length, 1);
  assert.match(
    messages[0]?.userMessage ?? '',
    /^plan nightly: backup failed 4 times. The store is/,
  );
  scene.clock.set(failing?.nextAt ?? 0);
  await beat(scene);
  assert.equal((await protectionOf(scene, volume.id))?.state, 'waiting');
});

test('a property puts a volume under a plan; a name that there is not, is told', async (t) => {
  const scene = await openPlanScene(t);
  const plan = await scene.plan({ selection: {} });
  const volume = await scene.volume();
  await beat(scene);
  assert.equal(await protectionOf(scene, volume.id), undefined);
  const setPlan = (name: string) =>
    updateVolume(scene.needs, scene.caller, volume.id, { metadata: { 'firn:plan': name } });
  await setPlan('nihgtly');
  await beat(scene);
  const unknown = await protectionOf(scene, volume.id);
  assert.deepEqual([unknown?.state, unknown?.planName], ['unknown_plan', 'nihgtly']);
  const where = { projectId: 'alpha', resourceId: volume.id };
  const [message] = await scene.catalog.list('messages', { where, limit: 10 });
  assert.match(message?.userMessage ?? '', /no plan named "nihgtly" in this project. Create it/);
  await beat(scene);
  assert.equal(await scene.catalog.count('messages', where), 1, 'told once');
  await setPlan('nightly');
  await beat(scene);
  assert.equal((await protectionOf(scene, volume.id))?.planId, plan.id);
  assert.equal((await scene.backups()).length, 1);
  await updatePlan(scene.needs, scene.caller, plan.id, { name: 'late' });
  assert.equal((await protectionOf(scene, volume.id))?.state, 'unknown_plan');
  await setPlan('late');
  await beat(scene);
  assert.equal((await protectionOf(scene, volume.id))?.planName, 'late');
  await scene.catalog.remove('volumes', { id: volume.id, projectId: 'alpha' });
  await beat(scene);
  assert.equal(await protectionOf(scene, volume.id), undefined);
});

test('two plans never run on one volume at the same time', async (t) => {
  const scene = await openPlanScene(t);
  await scene.plan({ name: 'one' });
  await scene.plan({ name: 'two', action: 'snapshot' });
  const volume = await scene.volume();
  await scene.scheduler.round();
  const running = (await scene.runs()).filter(({ state }) => state === 'running');
  assert.equal(running.length, 1);
  await scene.work();
  await pass(scene, 2 * minuteMs);
  const runs = await scene.runs();
  assert.deepEqual(
    runs.map(({ state }) => state),
    ['done', 'done'],
  );
  assert.ok(runs.every(({ volumeId }) => volumeId === volume.id));
});

test('a run whose process ended before its work began is gone on with', async (t) => {
  const scene = await openPlanScene(t);
  await scene.plan({});
  await scene.volume();
  await scene.scheduler.round();
  const [run] = await scene.runs();
  // As if it had ended before it asked for the backup.
  await scene.catalog.remove('jobs', {});
  await scene.catalog.remove('backups', { projectId: everyProject });
  await scene.catalog.change(
    'volumes',
    { projectId: everyProject, id: run?.volumeId ?? '' },
    { status: 'available' },
  );
  scene.clock.set(scene.clock.now() + 2 * minuteMs);
  await beat(scene);
  const backups = await scene.backups();
  assert.deepEqual(
    backups.map(({ id, status }) => [id, status]),
    [[run?.subjectId, 'available']],
  );
  assert.deepEqual(
    (await scene.runs()).map(({ state }) => state),
    ['done'],
  );
});

test('two schedulers on one catalogue never run a plan twice', async (t) => {
  const scene = await openPlanScene(t);
  await scene.plan({ schedule: 'hourly' });
  for (let count = 0; count < 5; count += 1) await scene.volume();
  const second = scene.secondScheduler();
  for (let hour = 0; hour < 12; hour += 1) {
    await Promise.all([scene.scheduler.round(), second.round()]);
    await scene.work();
    await Promise.all([scene.scheduler.round(), second.round()]);
    scene.clock.set(scene.clock.now() + hourMs);
  }
  const runs = await scene.runs();
  assert.equal(runs.length, 60);
  assert.equal(new Set(runs.map(({ volumeId, dueAt }) => `${volumeId} ${dueAt}`)).size, 60);
  assert.equal((await scene.backups()).length, 60);
});

test('a year with stops, failures and clocks set forth and back', async (t) => {
  const scene = await openPlanScene(t);
  const retention = { daily: 7, weekly: 4, monthly: 6 };
  const plan = await scene.plan({ timeZone: 'Europe/Berlin', retention });
  const volume = await scene.volume();
  const everMade = new Map<string, { at: number; good: boolean }>();
  let draw = 7;
  const chance = (outOf: number): boolean => {
    draw = (draw * 48_271) % 2_147_483_647;
    return draw % outOf === 0;
  };
  for (let day = 0; day < 366; day += 1) {
    if (chance(40)) scene.clock.set(scene.clock.now() + 9 * dayMs);
    if (chance(40)) scene.clock.set(scene.clock.now() - 5 * hourMs);
    await pass(scene, dayMs, () => chance(15));
    for (const row of await scene.backups()) {
      everMade.set(row.id, { at: row.dataTimestamp, good: row.status === 'available' });
    }
    const protection = await protectionOf(scene, volume.id);
    const since = scene.clock.now() - (protection?.lastGoodAt ?? 0);
    assert.ok(since <= 2 * dayMs, `day ${day}: the last good run is ${since / hourMs} hours ago`);
  }
  const { items } = await itemsOf(scene.catalog, plan, volume.id);
  const made = [...everMade].map(([id, { at, good }]) => {
    return { id, at, good, verified: false, held: false };
  });
  const options = { now: scene.clock.now(), zone: zoneOf('Europe/Berlin') };
  const expected = [...keep(made, retention, options).keys()].sort();
  assert.deepEqual(
    items
      .filter(({ good }) => good)
      .map(({ id }) => id)
      .sort(),
    expected,
  );
  assert.ok(expected.length >= 11, `${expected.length} are kept`);
});

test('what proves nothing is no failure, and damage is told at once', async (t) => {
  const scene = await openPlanScene(t);
  await scene.plan({});
  const volume = await scene.volume();
  await beat(scene);
  const [backup] = await scene.backups();
  const plan = await scene.plan({ name: 'tested', action: 'drill', schedule: 'hourly' });
  const outcomes = ['unchecked', 'good', 'damaged'] as const;
  const seen: unknown[] = [];
  for (const outcome of outcomes) {
    const drill = { outcome, at: scene.clock.now(), log: '' };
    const where = { id: backup?.id ?? '', projectId: everyProject } as const;
    await scene.catalog.change('backups', where, { drill });
    await beat(scene);
    const of = { volumeId: volume.id, planId: plan.id, projectId: everyProject } as const;
    const protection = await scene.catalog.find('protections', of);
    const runs = (await scene.runs()).filter(({ planId }) => planId === plan.id);
    const run = runs.reduce((one, other) => (other.createdAt > one.createdAt ? other : one));
    seen.push([run.state, protection?.state, protection?.attempts]);
    scene.clock.set(protection?.nextAt ?? 0);
  }
  assert.deepEqual(seen, [
    ['skipped', 'waiting', 0],
    ['done', 'waiting', 0],
    ['failed', 'failing', 0],
  ]);
  const messages = await scene.catalog.list('messages', {
    where: { projectId: 'alpha' },
    limit: 10,
  });
  assert.equal(messages.length, 1);
  assert.match(messages[0]?.userMessage ?? '', /^plan tested: drill failed\. The restore test of/);
});

test('a verification of a plan is as deep as the plan says', async (t) => {
  const scene = await openPlanScene(t);
  await scene.plan({});
  await scene.volume();
  await beat(scene);
  for (const depth of ['objects', 'blocks', 'filesystem'] as const) {
    const facts = { action: 'verify', schedule: 'hourly', options: { depth } } as const;
    const plan = await scene.plan({ name: depth, ...facts });
    await scene.scheduler.round();
    const jobs = await scene.catalog.list('jobs', { where: { state: 'queued' }, limit: 10 });
    assert.deepEqual(
      jobs.map(({ kind, payload }) => [kind, payload['depth']]),
      [['backup.verify', depth]],
    );
    await beat(scene);
    const runs = (await scene.runs()).filter(({ planId }) => planId === plan.id);
    assert.deepEqual(
      runs.map(({ state }) => state),
      ['done'],
    );
    await updatePlan(scene.needs, scene.caller, plan.id, { enabled: false });
  }
});
