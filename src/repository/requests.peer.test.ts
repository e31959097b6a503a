/**
 * How many requests of HTTP real servers get for backups and restores: each costs time, and with
 * some stores money.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CountingProxy } from '../../test/servers/counting-proxy.ts';
import { networkStores } from '../../test/servers/network-stores.ts';
import { newHexId } from '../base/ids.ts';
import { openStoreRoot } from '../store/open-root.ts';
import { leaseTimesDefault } from './lease.ts';
import { assertRestores, backUpModel, ModelVolume } from './model-volume.ts';
import { createRepository, openRepository } from './repository.ts';

const wrappingKey = Buffer.alloc(32, 4);

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

for (const { name, skip, start } of networkStores) {
  test(`backups and restores ask ${name} for little`, { skip }, async (t) => {
    const { storeUrl, proxy, stop } = await start();
    t.after(stop);
    const root = openStoreRoot(storeUrl);
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
