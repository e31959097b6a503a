import assert from 'node:assert/strict';
import { test } from 'node:test';
import { must } from '../../base/assert.ts';
import type { JobRow } from '../../catalog/tables.ts';
import type { PerformanceLimits } from '../../nbd/exports.ts';
import { createAttachment } from '../attachment/create-attachment.ts';
import { ann, max, openScene, type Scene } from '../operation-fixture.ts';
import { makeVolume } from '../requests-fixture.ts';
import { createVolumeType } from '../type/change-volume-types.ts';
import { extendVolume, extendVolumeJob } from '../volume/extend-volume.ts';
import { retypeVolume } from '../volume/retype-volume.ts';
import { associateType, disassociateTypes } from './associations.ts';
import { clientSpecsOf } from './apply-limits.ts';
import { clientSpecs, demandLimits, limitsFor } from './limits.ts';
import { createQosSpecs, updateQosSpecs } from './qos-specs.ts';

test('limits grow with the volume where they say so, and zero is none', () => {
  const specs = {
    total_iops_sec: '500',
    read_bytes_sec: '1000',
    read_bytes_sec_per_gb: '300',
    write_iops_sec: '0',
    note: 'x',
  };
  assert.deepEqual(limitsFor(specs, 10), { totalIopsSec: 500, readBytesSec: 3000 });
  assert.deepEqual(clientSpecs(specs, 10), {
    note: 'x',
    total_iops_sec: '500',
    read_bytes_sec: '3000',
  });
  assert.throws(() => demandLimits({ write_bytes_sec_per_gb: '1.5' }), { code: 'invalid_input' });
});

/** What the data plane was last told of a volume. */
function watchLimits(scene: Scene): { scene: Scene; told: Map<string, PerformanceLimits> } {
  const { exports } = scene;
  const told = new Map<string, PerformanceLimits>();
  return {
    told,
    scene: {
      ...scene,
      exports: {
        add: exports.add.bind(exports),
        remove: exports.remove.bind(exports),
        clients: exports.clients.bind(exports),
        limit: async (volumeId, limits) => {
          told.set(volumeId, limits);
          await exports.limit(volumeId, limits);
        },
      },
    },
  };
}

/** The job that grows a volume. */
async function jobOf({ catalog }: Scene, subjectId: string): Promise<JobRow> {
  return must(await catalog.find('jobs', { subjectId, kind: 'volume.extend' }), 'the job');
}

test('limits follow the type, the specs and the size of an attached volume', async (t) => {
  const { scene, told } = watchLimits(await openScene(t));
  const type = async (name: string, specs: Record<string, string>) => {
    const rest = { description: null, isPublic: true, extraSpecs: {} };
    const row = await createVolumeType(scene, ann, { name, ...rest });
    const qos = await createQosSpecs(scene, ann, { name, consumer: 'both', specs });
    await associateType(scene, ann, qos.id, row.id);
    return { typeId: row.id, qosId: qos.id };
  };
  const slow = await type('slow', { total_iops_sec: '100' });
  const grows = await type('grows', { read_iops_sec_per_gb: '10' });
  const { id } = await makeVolume(scene, { volumeType: 'slow' });
  const connector = { host: 'host' };
  const rest = { instanceId: null, mode: null, completeAtOnce: true };
  await createAttachment(scene, max, { volumeId: id, connector, ...rest });
  assert.deepEqual(told.get(id), { totalIopsSec: 100 });
  assert.deepEqual(await clientSpecsOf(scene.catalog, id), { total_iops_sec: '100' });
  await updateQosSpecs(scene, ann, slow.qosId, { consumer: 'back-end', specs: {} });
  assert.equal(await clientSpecsOf(scene.catalog, id), null);
  await retypeVolume(scene, max, id, 'grows');
  assert.deepEqual(told.get(id), { readIopsSec: 10 });
  await extendVolume(scene, max, id, { newSize: 3, online: true });
  assert.deepEqual(told.get(id), { readIopsSec: 30 });
  await extendVolumeJob(scene).fail(await jobOf(scene, id), new Error('no room'));
  assert.deepEqual(told.get(id), { readIopsSec: 10 }, 'a failed growth takes its limits along');
  await disassociateTypes(scene, ann, grows.qosId, grows.typeId);
  assert.deepEqual(told.get(id), {});
});
