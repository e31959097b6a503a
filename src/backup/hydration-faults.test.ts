/**
 * A volume that shows a backup at once and is filled while the n-th request to the store fails, and
 * all later ones, for every n; then the process dies. What a guest reads is the backup or an error,
 * what it wrote stays, and a new process fills the rest.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatingError } from '../base/errors.ts';
import { blockBytes } from '../repository/block.ts';
import type { Manifest } from '../repository/manifest.ts';
import { backUpModel, ModelVolume } from '../repository/model-volume.ts';
import { createRepository, openRepository, type Repository } from '../repository/repository.ts';
import { WorkPool } from '../repository/work-pool.ts';
import { FaultyStore } from '../store/fault.ts';
import { openMemoryRoot } from '../store/memory.ts';
import type { StoreRoot } from '../store/store.ts';
import { wrapRoot } from '../store/wrap-root.ts';
import { type OpenedEngine, openVolumeEngine } from '../volume/open-engine.ts';
import { backingOf, KeptBackups } from './backing-source.ts';
import { Hydrator } from './hydrator.ts';

const wrappingKey = Buffer.alloc(32, 3);
const workers = new WorkPool(1);
const options = { wrappingKey, workers, packBytes: 128 * 1024, packsPerIndex: 4 };
const blockCount = 1100;
/** Where the guest writes: a block of the backup. */
const writtenBytes = 4 * blockBytes;
const readBytes = 8 * blockBytes;
const gone = new OperatingError('unavailable', 'made to fail');
let folder: string;
before(async () => void (folder = await mkdtemp(join(tmpdir(), 'firn-hydration-faults-'))));
after(async () => {
  await workers.close();
  await rm(folder, { recursive: true });
});

interface Scene {
  readonly root: StoreRoot;
  readonly manifest: Manifest;
  readonly content: Buffer;
}

/** Data on both pages of the map, and holes between. */
async function backedUp(): Promise<Scene> {
  const volume = new ModelVolume(blockCount);
  for (let block = 0; block < 60; block += 3) volume.write(block * 16, 32, 100 + block * 50);
  volume.write(1050 * 16, 16 * 8, 70_000);
  const root = openMemoryRoot();
  const store = await root.open('box', { create: true });
  await createRepository(store, { wrappingKey });
  const repository = await openRepository(store, options);
  const manifest = await backUpModel(repository, volume);
  await repository.close();
  const content = Buffer.alloc(volume.lengthBytes);
  for (let block = 0; block < blockCount; block += 1) {
    const start = block * blockBytes;
    volume.readBlock(block, content.subarray(start, start + blockBytes));
  }
  return { root, manifest, content };
}

/** What one process has open. */
interface Process {
  readonly engine: OpenedEngine;
  readonly hydrator: Hydrator;
  /** Requests to the store so far. */
  readonly requests: () => number;
  /** Whether the one that fills has reported anything. */
  readonly hasFailed: () => boolean;
  readonly die: () => Promise<void>;
}

async function start(root: StoreRoot, isFailing: (request: number) => boolean): Promise<Process> {
  let requests = 0;
  let hasFailed = false;
  const failing = wrapRoot(
    root,
    (store) =>
      new FaultyStore(store, () => {
        requests += 1;
        return isFailing(requests) ? { kind: 'fail', error: gone } : undefined;
      }),
  );
  const opened: Repository[] = [];
  const listeners: ((container: string, repository: Repository) => void)[] = [];
  const backups = new KeptBackups({
    async open(container) {
      const store = await failing.open(container, { create: false });
      const repository = opened[0] ?? (await openRepository(store, options));
      if (opened.push(repository) === 1) for (const each of listeners) each(container, repository);
      return repository;
    },
    onOpen: (listener) => void listeners.push(listener),
  });
  const engine = await openVolumeEngine({ folder, source: backups });
  const hydrator = new Hydrator({ engine, backups, report: () => void (hasFailed = true) });
  return {
    engine,
    hydrator,
    requests: () => requests,
    hasFailed: () => hasFailed,
    async die() {
      await hydrator.stop();
      await engine.close();
      await opened[0]?.close();
    },
  };
}

/** Reads it piece by piece; answers how many pieces were refused. */
async function compare(engine: OpenedEngine, volumeId: string, content: Buffer): Promise<number> {
  const device = await engine.openVolume(volumeId);
  let refused = 0;
  try {
    for (let at = 0; at < content.length; at += readBytes) {
      const target = Buffer.alloc(Math.min(readBytes, content.length - at));
      const isRead = await device.read(at, target).then(
        () => true,
        (error: unknown) => (assert.match(String(error), /made to fail/), false),
      );
      refused += isRead ? 0 : 1;
      assert.ok(
        !isRead || target.equals(content.subarray(at, at + target.length)),
        `from ${at} on`,
      );
    }
  } finally {
    await device.close();
  }
  return refused;
}

/** Writes one block as a guest does; false when that was refused, and nothing is written. */
async function writeBlock(engine: OpenedEngine, volumeId: string): Promise<boolean> {
  const device = await engine.openVolume(volumeId);
  try {
    await device.write(writtenBytes, Buffer.alloc(blockBytes, 'guest'));
    await device.flush();
    return true;
  } catch (error) {
    assert.match(String(error), /made to fail/);
    return false;
  } finally {
    await device.close();
  }
}

function fillWritten(content: Buffer): void {
  content.fill('guest', writtenBytes, writtenBytes + blockBytes);
}

/** Waits until all is there, or something has failed. */
async function untilFilled(process: Process, volumeId: string): Promise<'filled' | 'failed'> {
  while ((await process.hydrator.progressOf(volumeId)) !== undefined) {
    if (process.hasFailed()) return 'failed';
    await sleep(2);
  }
  return 'filled';
}

test('filling a volume goes on after any request to the store failed', async (t) => {
  const { root, manifest, content } = await backedUp();
  const running: Process[] = [];
  t.after(async () => {
    for (const process of running) await process.die();
  });
  const backing = backingOf('box', manifest);
  let refused = 0;
  for (let n = 1; ; n += 1) {
    const volumeId = `volume-${n}`;
    const first = await start(root, (request) => request >= n);
    running.push(first);
    await first.hydrator.start();
    const volume = { volumeId, lengthBytes: manifest.lengthBytes, backing };
    const made = await first.hydrator.createVolume(volume).catch((error: unknown) => {
      assert.match(String(error), /made to fail/);
      return 'refused';
    });
    const expected = Buffer.from(content);
    let end: unknown = 'failed';
    if (made !== 'refused') {
      if (await writeBlock(first.engine, volumeId)) fillWritten(expected);
      end = await untilFilled(first, volumeId);
      refused += await compare(first.engine, volumeId, expected);
    }
    const requests = first.requests();
    running.splice(0);
    await first.die();
    const second = await start(root, () => false);
    running.push(second);
    if (made === 'refused') await second.hydrator.createVolume(volume);
    await second.hydrator.start();
    assert.equal(await untilFilled(second, volumeId), 'filled');
    assert.equal(await compare(second.engine, volumeId, expected), 0);
    await second.engine.deleteVolume(volumeId);
    running.splice(0);
    await second.die();
    // What fails besides, as the renewal of a lease, keeps nobody from filling it.
    if (end !== 'filled' || requests >= n) continue;
    assert.ok(n > 6 && refused > 0, `${n} requests were made to fail, ${refused} reads refused`);
    break;
  }
});
