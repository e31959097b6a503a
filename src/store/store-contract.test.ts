import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seeded } from '../../demo/random.ts';
import { OperatingError } from '../base/errors.ts';
import { openDirectoryRoot } from './directory.ts';
import type { FaultScript } from './fault.ts';
import { FaultyStore } from './fault.ts';
import { LimitedStore, Pace } from './limit.ts';
import { MemoryStore, openMemoryRoot } from './memory.ts';
import { RetryingStore } from './retry.ts';
import { SimulatedStore } from './simulated.ts';
import { storeContract } from './store-contract.ts';
import type { ContractRoot } from './store-contract.ts';
import type { Store } from './store.ts';
import { wrapRoot } from './wrap-root.ts';

async function directory(): Promise<ContractRoot> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-store-'));
  const dispose = () => rm(folder, { recursive: true, force: true });
  return { root: openDirectoryRoot(folder), dispose };
}

async function memory(): Promise<ContractRoot> {
  return { root: openMemoryRoot(), dispose: async () => undefined };
}

/** Every operation fails at its first try, half of them after they were done. */
function everySecondFails(): FaultScript {
  return ({ index }) => {
    if (index % 2 === 0) return undefined;
    const error = new OperatingError('unavailable', 'Down for a moment');
    return { kind: index % 4 === 1 ? 'fail' : 'fail-after', error };
  };
}

const patient = {
  attemptsMax: 12,
  pauseMs: 1,
  pauseMsMax: 4,
  sleep: async () => undefined,
  random: () => 0.5,
};

storeContract('directory', directory);
storeContract('memory', memory);
storeContract('memory, counted', async () => {
  const { root, dispose } = await memory();
  return { root: wrapRoot(root, (store) => new FaultyStore(store)), dispose };
});
storeContract('directory that fails every second time, retried', async () => {
  const { root, dispose } = await directory();
  const wrap = (store: Store) =>
    new RetryingStore(new FaultyStore(store, everySecondFails()), patient);
  return { root: wrapRoot(root, wrap), dispose };
});
storeContract('memory, limited', async () => {
  const { root, dispose } = await memory();
  const pace = () => new Pace({ bytesPerSecond: 1e9, now: () => 0, sleep: async () => {} });
  const limits = { upload: pace(), download: pace() };
  return { root: wrapRoot(root, (store) => new LimitedStore(store, limits)), dispose };
});
storeContract('simulated, failing and retried', async () => {
  const random = seeded(7);
  const { root, dispose } = await memory();
  const wrap = (store: Store) => {
    assert(store instanceof MemoryStore);
    return new RetryingStore(new SimulatedStore({ random, failsOneIn: 5 }, store), patient);
  };
  return { root: wrapRoot(root, wrap), dispose };
});
