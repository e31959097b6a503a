import assert from 'node:assert/strict';
import { test } from 'node:test';
import { must } from '../base/assert.ts';
import { openPostgresCatalog } from '../catalog/postgres.ts';
import { postgresBinaries, TemporaryPostgres } from '../catalog/temporary-postgres.ts';
import { HandQueue } from '../operation/operation-fixture.ts';
import { hourMs, openPlanScene } from './plan-fixture.ts';
import { PlanScheduler } from './scheduler.ts';

const binaries = postgresBinaries();
const needed = process.env['CI'] === 'true';
const reason = 'PostgreSQL is not installed: apt-get install postgresql';

test(
  'two schedulers, each with its own connections to one PostgreSQL, never run a plan twice',
  { skip: binaries === undefined && !needed && reason },
  async (t) => {
    const server = new TemporaryPostgres(must(binaries, reason));
    t.after(() => server.stop());
    const url = await server.newDatabase();
    const scene = await openPlanScene(t, () => openPostgresCatalog({ url }));
    const catalog = await openPostgresCatalog({ url });
    t.after(() => catalog.close());
    const jobs = new HandQueue(catalog);
    const { clock } = scene;
    const other = new PlanScheduler({
      needs: { ...scene.needs, catalog, jobs },
      clock,
      scheduler: { after: () => ({ cancel: () => undefined }) },
      runsAtOnce: 1000,
      log: { error: () => undefined },
    });
    await scene.plan({ schedule: 'hourly' });
    for (let count = 0; count < 5; count += 1) await scene.volume();
    for (let hour = 0; hour < 6; hour += 1) {
      await Promise.all([scene.scheduler.round(), other.round()]);
      await Promise.all([scene.scheduler.round(), other.round()]);
      await scene.work();
      await Promise.all([scene.scheduler.round(), other.round()]);
      clock.set(clock.now() + hourMs);
    }
    const runs = await scene.runs();
    assert.equal(runs.length, 30);
    assert.equal(new Set(runs.map(({ volumeId, dueAt }) => `${volumeId} ${dueAt}`)).size, 30);
    assert.equal((await scene.backups()).length, 30);
  },
);
