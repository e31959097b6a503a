import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOperatingError } from '../base/errors.ts';
import { readHeader } from '../repository/header.ts';
import { Leases } from '../repository/leases.ts';
import { backUpModel, ModelVolume } from '../repository/model-volume.ts';
import { createRepository, openRepository } from '../repository/repository.ts';
import { MemoryStore } from '../store/memory.ts';
import { pruneRepository } from './prune-repository.ts';

const wrappingKey = Buffer.alloc(32, 4);
const other = { host: 'elsewhere', machine: 'another', pid: 4711, started: '1' };

for (const [kind, said] of [
  ['write', /^the backups of the process 4711 on elsewhere, which began before this$/],
  ['prune', /the process 4711 on elsewhere is at the same work/],
] as const) {
  test(`a prune says for whose "${kind}" it waits`, async (t) => {
    const store = new MemoryStore('memory:test');
    await createRepository(store, { wrappingKey });
    const leases = { isGone: () => false };
    const repository = await openRepository(store, { wrappingKey, workers: 1, leases });
    t.after(() => repository.close());
    const volume = new ModelVolume(4);
    volume.write(0, 64, 100);
    await repository.deleteBackup((await backUpModel(repository, volume)).backupId);
    const elsewhere = new Leases(store, await readHeader(store, { wrappingKey }), { owner: other });
    await elsewhere.take(kind);
    const stop = new AbortController();
    const heard: (string | null)[] = [];
    const onWait = (what: string | null): void => {
      heard.push(what);
      stop.abort();
    };
    const pruning = pruneRepository(repository, { signal: stop.signal, onWait });
    await assert.rejects(pruning, (error) => isOperatingError(error, 'aborted'));
    assert.match(heard[0] ?? '', said);
    await elsewhere.close();
    assert.ok((await pruneRepository(repository, { signal: new AbortController().signal })) > 0);
  });
}
