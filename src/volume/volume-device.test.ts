import { after } from 'node:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '../base/ids.ts';
import type { BlockDevice } from './block-device.ts';
import { blockDeviceContract } from './block-device-contract.ts';
import { openVolumeEngine } from './open-engine.ts';

const folder = await mkdtemp(join(tmpdir(), 'firn-volume-'));
const engine = await openVolumeEngine({ folder });

after(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

type Options = { lengthBytes: number; readOnly: boolean };

async function openSnapshotOf(volumeId: string): Promise<BlockDevice> {
  const snapshotId = newId();
  await engine.createSnapshots([{ volumeId, snapshotId }]);
  return engine.openSnapshot(snapshotId);
}

blockDeviceContract('a volume of one layer', async ({ lengthBytes, readOnly }: Options) => {
  const volumeId = newId();
  await engine.createVolume({ volumeId, lengthBytes });
  return readOnly ? openSnapshotOf(volumeId) : engine.openVolume(volumeId);
});

blockDeviceContract('a clone of a snapshot', async ({ lengthBytes, readOnly }: Options) => {
  const [baseId, volumeId, snapshotId] = [newId(), newId(), newId()];
  await engine.createVolume({ volumeId: baseId, lengthBytes });
  await engine.createSnapshots([{ volumeId: baseId, snapshotId }]);
  await engine.createVolume({ volumeId, lengthBytes, from: { snapshotId } });
  return readOnly ? openSnapshotOf(volumeId) : engine.openVolume(volumeId);
});
