import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { openPlanScene } from '../plan/plan-fixture.ts';
import { OperatingError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { sampleJob } from '../catalog/sample-rows.ts';
import { Metrics } from './metrics.ts';
import { RetryCounts } from './retry-counts.ts';
import { until } from '../../test/interop/until.ts';

function valueOf(text: string, name: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  assert.ok(line !== undefined, name);
  return Number(line.split(' ').at(-1));
}

test('metrics say what is protected, proven, in time and stuck', async (t) => {
  const scene = await openPlanScene(t);
  const hostSpace = async () => ({ totalBytes: 100, freeBytes: 40 });
  const retries = new RetryCounts();
  const noteRetry = retries.open('store');
  const metrics = new Metrics({ ...scene.needs, hostSpace, retries });
  await scene.volume();
  const one = await scene.volume();
  await scene.plan({ selection: { volumes: [one.id] } });
  await scene.scheduler.round();
  const text = await metrics.text();
  assert.equal(valueOf(text, 'firn_volumes'), 2);
  assert.equal(valueOf(text, 'firn_volumes_unprotected'), 1);
  assert.equal(valueOf(text, 'firn_volumes_unproven'), 2);
  assert.equal(valueOf(text, 'firn_volumes_late'), 0);
  assert.equal(valueOf(text, 'firn_protections{state="running"}'), 1);
  assert.equal(valueOf(text, 'firn_jobs{state="queued"}'), 1);
  assert.equal(valueOf(text, 'firn_backups_running'), 1);
  assert.equal(valueOf(text, 'firn_data_free_bytes'), 40);
  const retried = 'firn_store_retries_total{store="store",reason="unavailable"}';
  assert.equal(valueOf(text, retried), 0);
  for (let times = 0; times < 3; times += 1) noteRetry(new OperatingError('unavailable', 'busy'));
  assert.equal(valueOf(await metrics.text(), retried), 3);
  assert.equal(valueOf(await metrics.text(), retried), 3);
  const unpruned = 'firn_repositories_unpruned';
  assert.equal(valueOf(await metrics.text(), unpruned), 0);
  const ends = [
    ['one', 'failed'],
    ['two', 'done'],
    ['one', 'done'],
    ['two', 'failed'],
  ] as const;
  for (const [subjectId, state] of ends) {
    const createdAt = scene.clock.now();
    const job = sampleJob({ id: newId(), kind: 'repository.prune', subjectId, state, createdAt });
    await scene.needs.catalog.insert('jobs', job);
    scene.clock.set(createdAt + 1000);
  }
  assert.equal(valueOf(await metrics.text(), unpruned), 1, 'the last one of each counts');
  scene.clock.set(scene.clock.now() + 5 * 86_400_000);
  // This scrape begins the count that a later one shows.
  await metrics.text();
  let later = '';
  await until('the next count', async () => {
    later = await metrics.text();
    return valueOf(later, 'firn_volumes_late') === 1;
  });
  assert.ok(valueOf(later, 'firn_jobs_oldest_seconds') > 4 * 86_400);
});

test('alert rules and dashboard name metrics that there are', async (t) => {
  const scene = await openPlanScene(t);
  const hostSpace = async () => ({ totalBytes: 1, freeBytes: 1 });
  const retries = new RetryCounts();
  const text = await new Metrics({ ...scene.needs, hostSpace, retries }).text();
  for (const path of ['firn-alerts.yml', 'grafana-dashboard.json', 'monitoring.md']) {
    const document = await readFile(new URL(`../../docs/operate/${path}`, import.meta.url), 'utf8');
    const named = new Set(document.match(/\bfirn_[a-z_]+/g));
    assert.ok(named.size > 10, path);
    for (const name of named) {
      assert.ok(text.includes(`# HELP ${name.replace(/_(?:bucket|count)$/, '')} `), name);
    }
  }
});
