/** Usage never drifts from what there is, and no limit is passed, whatever runs beside what. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../demo/random.ts';
import { isOperatingError } from '../base/errors.ts';
import { ann, max, openScene } from './operation-fixture.ts';
import { showQuotaSet, updateQuotaSet } from './quota-sets.ts';
import { askSnapshot, askVolume } from './requests-fixture.ts';
import { deleteSnapshot } from './snapshot/delete-snapshot.ts';
import { deleteVolume } from './volume/delete-volume.ts';
import { extendVolume } from './volume/extend-volume.ts';

const limits = { volumes: 12, gigabytes: 30, snapshots: 5 };

test('usage is what there is, after many requests at the same time', async (t) => {
  const scene = await openScene(t);
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`seed ${seed}`);
  const random = seeded(seed);
  const below = (end: number): number => Math.floor(random() * end);
  await updateQuotaSet(scene, ann, 'alpha', limits);
  const where = { projectId: 'alpha' };
  let refused = 0;
  for (let round = 0; round < 6; round += 1) {
    const volumes = await scene.catalog.list('volumes', { where, limit: 100 });
    const snapshots = await scene.catalog.list('snapshots', { where, limit: 100 });
    const pick = <T>(rows: readonly T[]): T | undefined => rows[below(rows.length)];
    const requests = Array.from({ length: 40 }, async () => {
      const volumeId = pick(volumes)?.id ?? 'none';
      switch (below(5)) {
        case 0:
          return await deleteVolume(scene, max, volumeId, { cascade: true, force: false });
        case 1:
          return await extendVolume(scene, max, volumeId, { newSize: 4, online: false });
        case 2:
          return await askSnapshot(scene, { volumeId });
        case 3:
          return await deleteSnapshot(scene, max, pick(snapshots)?.id ?? 'none', { force: false });
        default:
          return await askVolume(scene, { size: 1 + below(3) });
      }
    });
    for (const outcome of await Promise.allSettled(requests)) {
      if (outcome.status === 'fulfilled') continue;
      assert.ok(isOperatingError(outcome.reason), String(outcome.reason));
      if (outcome.reason.code === 'quota_exceeded') refused += 1;
    }
    await demandTruth(scene);
    await scene.work();
    await demandTruth(scene);
  }
  assert.ok(refused > 0, 'the limits were reached');

  async function demandTruth({ catalog }: typeof scene): Promise<void> {
    const { usage } = await showQuotaSet(scene, max, 'alpha');
    const volumes = await catalog.list('volumes', { where, limit: 1000 });
    const snapshots = await catalog.list('snapshots', { where, limit: 1000 });
    const sizes = [...volumes, ...snapshots].map(({ size }) => size);
    const gigabytes = sizes.reduce((sum, size) => sum + size, 0);
    const truth = { volumes: volumes.length, gigabytes, snapshots: snapshots.length };
    assert.deepEqual(
      { volumes: usage.volumes, gigabytes: usage.gigabytes, snapshots: usage.snapshots },
      truth,
    );
    for (const [name, used] of Object.entries(truth)) {
      assert.ok(used <= limits[name as keyof typeof limits], `${name} within its limit`);
    }
  }
});
