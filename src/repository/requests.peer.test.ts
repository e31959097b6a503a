/**
 * How many requests of HTTP real servers get for backups and restores: each costs time, and with
 * some stores money.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { hasCeph, startCeph } from '../../test/servers/ceph.ts';
import { type CountingProxy, startCountingProxy } from '../../test/servers/counting-proxy.ts';
import { hasSwift, startSwift } from '../../test/servers/swift.ts';
import { newHexId } from '../base/ids.ts';
import { openS3Root } from '../store/s3.ts';
import type { StoreRoot } from '../store/store.ts';
import { openSwiftRoot } from '../store/swift.ts';
import { leaseTimesDefault } from './lease.ts';
import { assertRestores, backUpModel, ModelVolume } from './model-volume.ts';
import { createRepository, openRepository } from './repository.ts';

const wrappingKey = Buffer.alloc(32, 4);
const isNeeded = process.env['CI'] === 'true';

interface Place {
  readonly root: StoreRoot;
  readonly proxy: CountingProxy;
}

async function onCeph(t: TestContext): Promise<Place> {
  const ceph = await startCeph();
  t.after(() => ceph.stop());
  await ceph.makeUser({ name: 'owner', accessKey: 'owner-key', secretKey: 'owner-secret' });
  process.env['AWS_ACCESS_KEY_ID'] = 'owner-key';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'owner-secret';
  const proxy = await startCountingProxy(ceph.url);
  const root = openS3Root(`s3://?endpoint=${encodeURIComponent(proxy.url)}`);
  return { root, proxy };
}

async function onSwift(t: TestContext): Promise<Place> {
  const swift = await startSwift();
  t.after(() => swift.stop());
  const proxy = await startCountingProxy(swift.url);
  const environment = {
    ST_AUTH: `${proxy.url}/auth/v1.0`,
    ST_USER: 'test:tester',
    ST_KEY: 'testing',
  };
  return { root: openSwiftRoot('swift://', { environment }), proxy };
}

/** Requests for objects since the last call, by method and folder; those of lists are `LIST`. */
function countOf({ requests }: CountingProxy, container: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const request of requests.splice(0)) {
    const [method = '', path = ''] = request.split(' ');
    const { pathname, searchParams } = new URL(path, 'http://server');
    const object = pathname.split(`/${container}/`)[1] ?? '';
    const prefix = searchParams.get('prefix');
    const [folder = ''] = (prefix ?? object).split('/');
    const key = `${prefix === null ? method : 'LIST'} ${folder === '' ? pathname : folder}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

for (const { name, isThere, start } of [
  { name: 'Ceph RGW', isThere: hasCeph, start: onCeph },
  { name: 'Swift', isThere: hasSwift, start: onSwift },
]) {
  const skip = !isThere && !isNeeded && `not installed: ${name}`;
  test(`backups and restores ask ${name} for little`, { skip }, async (t) => {
    const { root, proxy } = await start(t);
    t.after(() => proxy.stop());
    const container = `c${newHexId()}`;
    await createRepository(await root.open(container, { create: true }), { wrappingKey });
    const store = await root.open(container, { create: false });
    // A slow machine is no reason for more requests.
    const leases = { times: { ...leaseTimesDefault, renewMs: 1e9 } };
    const options = { wrappingKey, workers: 1, packBytes: 6 * 1024, packsPerIndex: 16, leases };
    const repository = await openRepository(store, options);
    t.after(() => repository.close());
    const volume = new ModelVolume(300);
    for (let block = 0; block < 300; block += 1) volume.write(block * 16, 16, 100 + block * 50);
    const count = (): Record<string, number> => countOf(proxy, container);
    count();

    const full = await backUpModel(repository, volume);
    const { 'PUT packs': packs = 0, ...besides } = count();
    assert.ok(packs > 16, `${packs} packs`);
    assert.deepEqual(besides, {
      'PUT leases': 1,
      'LIST prunes': 1,
      'PUT indexes': 1,
      'PUT backups': 1,
      'DELETE leases': 1,
    });

    const unchanged = await backUpModel(repository, volume, { parent: full });
    assert.deepEqual(count(), {
      'PUT leases': 1,
      'LIST prunes': 1,
      'HEAD backups': 1,
      'GET backups': 1,
      'PUT backups': 1,
      'DELETE leases': 1,
    });

    await assertRestores(repository, unchanged, volume);
    // The lease is given up behind the reader's back.
    const { 'GET packs': gets = 0, 'DELETE leases': _, ...others } = count();
    assert.ok(gets <= packs * 2 + 4, `${gets} requests for ${packs} packs`);
    assert.deepEqual(others, { 'PUT leases': 1 });
  });
}
