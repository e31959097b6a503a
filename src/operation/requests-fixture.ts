/** Requests with the fields that a test does not care about filled in. */
import type { BackupRow, SnapshotRow, VolumeRow } from '../catalog/tables.ts';
import type { Caller } from '../identity/caller.ts';
import { createBackup, type NewBackup } from './backup/create-backup.ts';
import { max, type Scene } from './operation-fixture.ts';
import { createSnapshot, type NewSnapshot } from './snapshot/create-snapshot.ts';
import { createVolume, type NewVolume } from './volume/create-volume.ts';

export async function askVolume(
  scene: Scene,
  given: Partial<NewVolume> = {},
  caller: Caller = max,
): Promise<VolumeRow> {
  return await createVolume(scene, caller, {
    size: 1,
    name: 'disk',
    description: null,
    volumeType: null,
    availabilityZone: null,
    metadata: {},
    snapshotId: null,
    sourceVolumeId: null,
    backupId: null,
    imageId: null,
    groupId: null,
    ...given,
  });
}

/** A volume that is available. */
export async function makeVolume(scene: Scene, given: Partial<NewVolume> = {}): Promise<VolumeRow> {
  const row = await askVolume(scene, given);
  await scene.work();
  return row;
}

export async function askSnapshot(
  scene: Scene,
  given: Partial<NewSnapshot> & { volumeId: string },
): Promise<SnapshotRow> {
  const rest = { name: null, description: null, metadata: {}, force: false };
  return await createSnapshot(scene, max, { ...rest, ...given });
}

export async function askBackup(
  scene: Scene,
  given: Partial<NewBackup> & { volumeId: string },
  caller: Caller = max,
): Promise<BackupRow> {
  return await createBackup(scene, caller, {
    snapshotId: null,
    name: null,
    description: null,
    container: null,
    incremental: false,
    force: false,
    metadata: {},
    availabilityZone: null,
    ...given,
  });
}

export async function writeAt(
  { engine }: Scene,
  volumeId: string,
  offsetBytes: number,
  text: string,
): Promise<void> {
  const device = await engine.openVolume(volumeId);
  await device.write(offsetBytes, Buffer.from(text));
  await device.flush();
  await device.close();
}

export async function readAt(
  { engine }: Scene,
  volumeId: string,
  offsetBytes: number,
  length: number,
): Promise<string> {
  const device = await engine.openVolume(volumeId);
  const target = Buffer.alloc(length);
  await device.read(offsetBytes, target);
  await device.close();
  return target.toString();
}
