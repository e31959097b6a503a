/** The log of a real Firn: one request id ties all that follows from a request together. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectNbd } from '../src/client/nbd.ts';
import { isJsonObject, type JsonObject } from '../src/base/json.ts';
import { backupReady, type Scene, snapshotReady, startScene, volumeReady } from './firn.ts';
import { until } from './interop/until.ts';

/** What Firn has logged, line by line; its greeting is no JSON. */
function logged(scene: Scene): JsonObject[] {
  const lines = scene.firn.output().split('\n');
  return lines.flatMap((line) => {
    if (!line.startsWith('{')) return [];
    const facts: unknown = JSON.parse(line);
    return isJsonObject(facts) ? [facts] : [];
  });
}

const under = (scene: Scene, requestId: unknown): JsonObject[] =>
  logged(scene).filter((line) => line['requestId'] === requestId);

/** The id of the request that was answered last with this status, by its path. */
async function idOf(scene: Scene, method: string, path: RegExp): Promise<unknown> {
  const found = (): JsonObject | undefined =>
    logged(scene).findLast(
      (line) => line['method'] === method && path.test(JSON.stringify(line['url'])),
    );
  await until(`a line of ${method} ${path.source}`, () => found() !== undefined);
  return found()?.['requestId'];
}

test('a request, its job, and the connections of its export are logged under one id', async (t) => {
  const scene = await startScene(t, ['--log-level', 'info']);
  const { client } = scene;
  const volumeId = await volumeReady(client, await client.volumes.create({ size: 1 }));
  const { connection_info: info } = await client.attach(volumeId, { host: 'here', mode: 'rw' });
  const attached = await idOf(scene, 'POST', /\/attachments"$/);
  const connect = async (uri: string): Promise<void> => {
    const device = await connectNbd({ uri });
    await device.write(0, Buffer.alloc(4096, 1), { fua: true });
    await device.disconnect();
  };
  const kinds = (id: unknown): unknown[] => under(scene, id).flatMap(({ kind }) => kind ?? []);
  await connect(info.uri ?? '');
  await until('the end of the connection', () => kinds(attached).length === 2);
  assert.deepEqual(kinds(attached), ['opened', 'closed']);

  const snapshot = { volume_id: volumeId, name: 's', force: true };
  const snapshotId = await snapshotReady(client, await client.snapshots.create(snapshot));
  const { uri = '' } = await client.exportSnapshot(snapshotId, 'there');
  const exported = await idOf(scene, 'POST', /\/exports"$/);
  const reader = await connectNbd({ uri });
  await reader.disconnect();
  await until('the end of the reader', () => kinds(exported).length === 2);
  assert.deepEqual(kinds(exported), ['opened', 'closed']);
  assert.notEqual(exported, attached);

  await backupReady(client, await client.backups.create({ volume_id: volumeId, force: true }));
  const backedUp = await idOf(scene, 'POST', /\/backups"$/);
  await until('the end of the job', () => kinds(backedUp).length > 0);
  const job = under(scene, backedUp).find(({ kind }) => kind === 'backup.create');
  assert.equal(job?.['msg'], 'a job is done');
  const names = [info.uri, uri].map((each) => new URL(each ?? '').pathname.slice(1));
  assert.ok(
    names.every((name) => !scene.firn.output().includes(name)),
    'names are secrets',
  );

  await scene.restart();
  await connect(info.unix_uri ?? '');
  await until('the end of the connection', () => kinds(attached).length === 2);
  assert.deepEqual(kinds(attached), ['opened', 'closed'], 'after a restart as well');
});
