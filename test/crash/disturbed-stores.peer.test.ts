/**
 * Firn on real stores over the network that are in trouble, seen from outside. A proxy before the
 * server ends the service (SIGKILL) at chosen requests, or answers that it is busy, breaks
 * connections off and loses answers to what the server has done. Afterwards every byte is there,
 * and nothing was uploaded twice.
 */
import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { withDisk } from '../../demo/disk.ts';
import { must } from '../../src/base/assert.ts';
import { GiB, MiB } from '../../src/base/bytes.ts';
import { backupReady, type Scene, startScene, volumeReady } from '../firn.ts';
import { until } from '../interop/until.ts';
import type { CountingProxy, Disturbance, ProxiedRequest } from '../servers/counting-proxy.ts';
import { networkStores } from '../servers/network-stores.ts';

const pieceBytes = 5 * MiB;
/** One piece in each of the parts in which a backup notes how far it is. */
const pieceCount = 16;
const spacingBytes = GiB / pieceCount;

/** Bytes that do not shrink, the same each time. */
function piece(seed: number): Buffer {
  const key = Buffer.alloc(16, seed);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(pieceBytes));
}

type Pieces = readonly number[];

const first: Pieces = Array.from({ length: pieceCount }, (_, index) => index + 1);
/** Half of the pieces are others. */
const second: Pieces = first.map((seed) => (seed % 2 === 0 ? seed + 100 : seed));

async function write(scene: Scene, volumeId: string, pieces: Pieces): Promise<void> {
  await withDisk(scene.client, volumeId, async (disk) => {
    for (const [index, seed] of pieces.entries()) {
      await disk.write(index * spacingBytes, piece(seed));
    }
    await disk.flush();
  });
}

async function assertHolds(scene: Scene, volumeId: string, pieces: Pieces): Promise<void> {
  await withDisk(scene.client, volumeId, async (disk) => {
    const read = Buffer.alloc(pieceBytes);
    for (const [index, seed] of pieces.entries()) {
      await disk.read(index * spacingBytes, read);
      assert.ok(read.equals(piece(seed)), `piece ${index}`);
      await disk.read((index + 1) * spacingBytes - pieceBytes, read);
      assert.ok(
        read.every((byte) => byte === 0),
        `zeros after piece ${index}`,
      );
    }
  });
}

const isPack = ({ path }: ProxiedRequest): boolean => path.includes('/packs/');

/** The paths of all objects that the server took, in their order. */
function uploads({ requests }: CountingProxy, folder: string): string[] {
  return requests.flatMap((request) => {
    const [method, path = '', status = ''] = request.split(' ');
    return method === 'PUT' && status.startsWith('20') && path.includes(folder) ? [path] : [];
  });
}

/** Ends the service for good when it does something for the `count`-th time. */
function killAt(
  scene: Scene,
  count: number,
  isCounted: (request: ProxiedRequest) => boolean,
): { at: (request: ProxiedRequest) => boolean; killed: () => boolean } {
  const { pid } = scene.firn;
  let seen = 0;
  return {
    at(request) {
      if (isCounted(request)) seen += 1;
      if (seen === count && isCounted(request)) process.kill(pid, 'SIGKILL');
      return seen >= count;
    },
    killed: () => seen >= count,
  };
}

async function backUpThroughKills(scene: Scene, proxy: CountingProxy): Promise<string> {
  const { client } = scene;
  const volumeId = await volumeReady(client, await client.volumes.create({ name: 'd', size: 1 }));
  await write(scene, volumeId, first);
  const isPut = (request: ProxiedRequest): boolean => isPack(request) && request.method === 'PUT';
  const before = killAt(scene, 2, isPut);
  // What is under way when the process ends does not reach the server any more.
  proxy.disturb = (request) => (before.at(request) ? 'reset' : undefined);
  const backupId = await client.backups.create({ volume_id: volumeId, name: 'killed' });
  await until('killed before the server has a pack', before.killed);
  proxy.disturb = () => undefined;
  await scene.restart();

  const after = killAt(scene, 2, isPut);
  proxy.done = (request) => void after.at(request);
  await until('killed when the server has a pack', after.killed);
  proxy.done = () => undefined;
  await scene.restart();
  await backupReady(scene.client, backupId);

  const packs = uploads(proxy, '/packs/');
  assert.equal(new Set(packs).size, packs.length, 'no pack is put twice');
  const dataBytes = pieceCount * pieceBytes;
  assert.ok(packs.length <= Math.ceil(dataBytes / (16 * MiB)) + 3, `${packs.length} packs`);
  const container = must((await scene.client.repositories())[0], 'a repository').container;
  const forecast = await scene.client.forecastPrune(container);
  assert.equal(forecast.bytes_freed, 0, 'all that was uploaded is needed');
  assert.ok(forecast.bytes_total < dataBytes * 1.02, `${forecast.bytes_total} bytes`);
  return backupId;
}

async function restoreThroughKill(
  scene: Scene,
  proxy: CountingProxy,
  backupId: string,
): Promise<void> {
  const gets = killAt(scene, 5, (request) => isPack(request) && request.method === 'GET');
  proxy.disturb = (request) => (gets.at(request) ? 'reset' : undefined);
  const { volumeId } = await scene.client.restore(backupId, { name: 'again' });
  await until('killed on the way', gets.killed);
  proxy.disturb = () => undefined;
  await scene.restart();
  await volumeReady(scene.client, volumeId);
  await assertHolds(scene, volumeId, first);
}

const busy = {
  status: 503,
  body: '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>busy</Message></Error>',
};

const kinds: readonly Disturbance[] = [busy, 'unheard', 'reset', 'cut', busy, 'torn', 'unheard'];

/** So many in all, that the end does not depend on how long the storm lasts. */
const disturbancesMax = 4 * kinds.length;

/**
 * Lets trouble of each kind in its turn happen to every third request, but not more than twice in a
 * row to the same one. `counts` adds them up by kind.
 */
function storm(): { disturb: CountingProxy['disturb']; counts: Record<string, number> } {
  const counts: Record<string, number> = {};
  const rows = new Map<string, number>();
  let requests = 0;
  let at = 0;
  const disturb = ({ method, path, range }: ProxiedRequest): Disturbance | undefined => {
    const key = `${method} ${path} ${range}`;
    const row = rows.get(key) ?? 0;
    requests += 1;
    const isSpared = requests % 3 !== 0 || row === 2 || at === disturbancesMax;
    rows.set(key, isSpared ? 0 : row + 1);
    if (isSpared) return undefined;
    const kind = must(kinds[at % kinds.length], 'a kind');
    at += 1;
    const name = typeof kind === 'string' ? kind : String(kind.status);
    counts[name] = (counts[name] ?? 0) + 1;
    return kind;
  };
  return { disturb, counts };
}

async function metricsOf({ dataFolder }: Scene): Promise<string> {
  const yaml = await readFile(join(dataFolder, 'clouds.yaml'), 'utf8');
  const url = /auth_url: "?(http:\/\/[^/"\s]+)/.exec(yaml)?.[1] ?? '';
  return (await fetch(`${url}/metrics`)).text();
}

async function workThroughStorm(
  scene: Scene,
  proxy: CountingProxy,
  backupId: string,
): Promise<void> {
  const { client } = scene;
  const { volume_id: volumeId } = await client.backups.show(backupId);
  await write(scene, volumeId, second);
  const { disturb, counts } = storm();
  proxy.requests.splice(0);
  proxy.disturb = disturb;
  const next = { volume_id: volumeId, name: 'stormy', incremental: true };
  const stormy = await backupReady(client, await client.backups.create(next));
  const { volumeId: restored } = await client.restore(stormy, { name: 'out of the storm' });
  await volumeReady(client, restored);
  proxy.disturb = () => undefined;
  for (const kind of ['503', 'unheard', 'reset', 'cut', 'torn']) {
    assert.ok((counts[kind] ?? 0) > 0, `${kind}: ${JSON.stringify(counts)}`);
  }
  await assertHolds(scene, restored, second);
  const retried = /^firn_store_retries_total\{store="store",reason="unavailable"\} [1-9]/m;
  assert.match(await metricsOf(scene), retried);
  const packs = uploads(proxy, '/packs/');
  assert.equal(new Set(packs).size, packs.length, 'no pack is put twice');
  const container = must((await client.repositories())[0], 'a repository').container;
  assert.equal((await client.forecastPrune(container)).bytes_freed, 0, 'all of it is needed');
}

for (const { name, skip, start } of networkStores) {
  test(`the store is ${name}, and in trouble`, { skip }, async (t) => {
    const { storeUrl, proxy, stop } = await start();
    t.after(stop);
    const scene = await startScene(t, ['--store', storeUrl]);
    let backupId = '';
    await t.test('a backup is killed twice, and nothing is uploaded twice', async () => {
      backupId = await backUpThroughKills(scene, proxy);
    });
    await t.test('a restore is killed, and goes on', () =>
      restoreThroughKill(scene, proxy, backupId),
    );
    await t.test('a backup and a restore get through a storm', () =>
      workThroughStorm(scene, proxy, backupId),
    );
  });
}
