/**
 * What a machine notices of its storage going away: nothing while Firn is started again, an error
 * at once when its attachment is taken from it. And what Firn notices of a machine that goes away.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { hashDisk, withDisk } from '../../demo/disk.ts';
import { must } from '../../src/base/assert.ts';
import type { Attachment } from '../../src/client/block-storage-schema.ts';
import { cloudFromYaml } from '../../src/client/cloud.ts';
import { connectNbd } from '../../src/client/nbd.ts';
import { Session } from '../../src/client/session.ts';
import { waitForDeletion } from '../../src/client/wait.ts';
import { type Scene, snapshotReady, startScene, volumeReady } from '../firn.ts';
import { needs } from '../peer.ts';
import type { Guest } from './guest.ts';
import { assertClean, assertFiles } from './guest-files.ts';
import { needsGuest } from './guest-image.ts';
import { copyVolume, startGuestScene } from './guest-scene.ts';
import { until } from './until.ts';

/** Files that the guest writes before and after each end of Firn. */
const filesBetween = 6;

test('a guest goes on over restarts of Firn without an error', needsGuest(), async (t) => {
  const running = await startGuestScene(t, { reconnectDelaySeconds: 120 });
  const { scene, guest, volumeId, attachmentId } = running;
  await guest.startWriting(1);
  await guest.written(filesBetween);
  await restartUnder(t, guest, 'ended in order', () => scene.restart());
  const stopped = await guest.stopWriting();

  // The guest's disk has a cache: of writes that were answered and not flushed when Firn is killed
  // QEMU does not know that they were, so they have to be there.
  await guest.startWriting(stopped + 1);
  await guest.written(stopped + filesBetween);
  await scene.firn.kill();
  await restartUnder(t, guest, 'was killed', () => scene.restart());

  const last = await guest.stopWriting();
  await guest.run('umount /mnt');
  assert.doesNotMatch(guest.kernelLog(), /I\/O error|EXT4-fs error/);
  await guest.kill();
  await scene.client.detach(attachmentId);
  const disk = await copyVolume(scene, volumeId, 'end');
  await assertClean(disk);
  await assertFiles(disk, { before: last, after: last });
});

/** Resolves when the guest has written several files more than before. */
async function restartUnder(
  t: TestContext,
  guest: Guest,
  what: string,
  restart: () => Promise<void>,
): Promise<void> {
  await restart();
  const begun = performance.now();
  const before = guest.lastWritten;
  await guest.written(before + 1);
  t.diagnostic(`Firn ${what}: ${Math.round(performance.now() - begun)} ms until the next file`);
  await guest.written(before + filesBetween);
}

/** What one attachment's user needs. */
interface Victim {
  readonly scene: Scene;
  readonly volumeId: string;
  readonly attachment: Attachment;
  readonly uri: string;
}

async function attachOne(t: TestContext): Promise<Victim> {
  const scene = await startScene(t);
  const { client } = scene;
  const volumeId = await volumeReady(client, await client.volumes.create({ name: 'v', size: 1 }));
  const attachment = await client.attach(volumeId, { host: 'victim', mode: 'rw' });
  const uri = must(attachment.connection_info.unix_uri, 'the address of the disk');
  return { scene, volumeId, attachment, uri };
}

/** QEMU's block layer, writing as fast as it can until it is stopped. */
function startQemuWriter(t: TestContext, uri: string) {
  const load = ['bench', '-w', '-c', '1000000000', '-d', '16', '-s', '4096', '--pattern=90'];
  const qemu = spawn('qemu-img', [...load, '-f', 'raw', uri], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  qemu.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const ended = once(qemu, 'close');
  t.after(() => void qemu.kill('SIGKILL'));
  return {
    kill: () => qemu.kill('SIGKILL'),
    ended: async () => {
      const [code] = (await ended) as [number | null];
      return { code, errors };
    },
  };
}

/** Resolves when bytes of a client have come to the files of the only volume. */
async function hasWritten({ dataFolder }: Scene): Promise<void> {
  const pattern = join(dataFolder, '**', 'layers', '*', 'data*');
  await until('the client writes', () => globSync(pattern).some((file) => statSync(file).size > 0));
}

async function forceDetach({ dataFolder }: Scene, { id, volume_id: volumeId }: Attachment) {
  const path = join(dataFolder, 'clouds.yaml');
  const session = new Session(cloudFromYaml(await readFile(path, 'utf8'), path));
  const body = { 'os-force_detach': { attachment_id: id } };
  const action = `/volumes/${volumeId}/action`;
  await session.call({ service: 'block-storage', method: 'POST', path: action, body });
}

test('a forced detach cuts a client that writes', needs('qemu-img'), async (t) => {
  const { scene, volumeId, attachment, uri } = await attachOne(t);
  const { client } = scene;
  const writer = startQemuWriter(t, uri);
  await hasWritten(scene);
  await forceDetach(scene, attachment);
  const answered = performance.now();
  assert.equal((await client.volumes.show(volumeId)).status, 'available');
  const snapshotId = await client.snapshots.create({ volume_id: volumeId });
  const { code, errors } = await writer.ended();
  const waitedMs = Math.round(performance.now() - answered);
  t.diagnostic(`QEMU ended ${waitedMs} ms after the answer`);
  assert.equal(code, 1, 'QEMU failed');
  assert.match(errors, /Input\/output error|Transport endpoint|Failed/);
  await assert.rejects(connectNbd({ uri }), { code: 'not_found' });
  await snapshotReady(client, snapshotId);
  const request = { size: 1, snapshot_id: snapshotId };
  const cloneId = await volumeReady(client, await client.volumes.create(request));
  const hash = (id: string) => withDisk(client, id, hashDisk);
  assert.equal(await hash(volumeId), await hash(cloneId), 'nothing was written after the answer');
});

test('the end of a machine is noticed', needs('qemu-img'), async (t) => {
  const { scene, volumeId, attachment, uri } = await attachOne(t);
  const connections = async () => (await scene.client.connections(volumeId))[0]?.connections;
  const writer = startQemuWriter(t, uri);
  await hasWritten(scene);
  assert.equal(await connections(), 1);
  writer.kill();
  await until('its connection is closed', async () => (await connections()) === 0);
  await scene.client.detach(attachment.id);
  await scene.client.volumes.delete(volumeId);
  await waitForDeletion({ look: () => scene.client.volumes.show(volumeId), what: 'the volume' });
});
