/** A Firn with one volume, and a guest that has a file system on it. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from '../../src/base/assert.ts';
import { type Ending, type Scene, startScene, volumeReady } from '../firn.ts';
import { bootGuest, type Guest } from './guest.ts';
import { copyDisk } from './guest-files.ts';
import { makeGuestImage } from './guest-image.ts';

export interface GuestScene {
  readonly scene: Scene;
  readonly guest: Guest;
  readonly volumeId: string;
  readonly attachmentId: string;
}

/** Starts Firn and boots a guest; its volume has an ext4 file system that is mounted. */
export async function startGuestScene(
  t: Ending,
  options: { reconnectDelaySeconds: number },
): Promise<GuestScene> {
  const scene = await startScene(t);
  const { client, folder } = scene;
  const volumeId = await volumeReady(
    client,
    await client.volumes.create({ name: 'disk', size: 1 }),
  );
  const attachment = await client.attach(volumeId, { host: 'guest', mode: 'rw' });
  const uri = must(attachment.connection_info.unix_uri, 'the address of the disk');
  const image = makeGuestImage(folder);
  const guest = await bootGuest(t, { ...options, image, folder, uri });
  // The path says which: the shell has a command of this name too, without journals.
  await guest.run('/usr/sbin/mke2fs -q -t ext4 /dev/vda && mount -o discard /dev/vda /mnt');
  return { scene, guest, volumeId, attachmentId: attachment.id };
}

/** The bytes of a volume, as a raw image in a new folder `name` of the scene; returns its path. */
export async function copyVolume(scene: Scene, volumeId: string, name: string): Promise<string> {
  const folder = join(scene.folder, name);
  await mkdir(folder);
  const disk = join(folder, 'disk.raw');
  const attachment = await scene.client.attach(volumeId, { host: 'checker', mode: 'ro' });
  await copyDisk(must(attachment.connection_info.unix_uri, 'the address of the disk'), disk);
  await scene.client.detach(attachment.id);
  return disk;
}
