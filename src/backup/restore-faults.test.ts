/**
 * Restores during which the n-th request to the store or the disk fails, for every n, and all that
 * follow, as in a process that dies; or that one alone. The disk then loses what it likes of what
 * was not flushed. A restore that says it is done is done, and one that does not goes on to the
 * same end.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Random, seeded } from '../../demo/random.ts';
import { must } from '../base/assert.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import type { Extent } from '../base/extent.ts';
import { blockBytes } from '../repository/block.ts';
import type { Manifest } from '../repository/manifest.ts';
import { backUpModel, ModelVolume } from '../repository/model-volume.ts';
import { createRepository, openRepository } from '../repository/repository.ts';
import { WorkPool } from '../repository/work-pool.ts';
import { FaultyStore } from '../store/fault.ts';
import { MemoryStore } from '../store/memory.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import { restoreBackup } from './restore-backup.ts';

const seed = Number(process.env['FIRN_TEST_SEED'] ?? Math.floor(performance.timeOrigin % 2 ** 31));
process.stdout.write(`# restore-faults.test.ts: FIRN_TEST_SEED=${seed}\n`);
const wrappingKey = Buffer.alloc(32, 3);
const workers = new WorkPool(2);
const options = { wrappingKey, workers, packBytes: 8192, packsPerIndex: 4 };
const gone = new OperatingError('unavailable', 'made to fail');
let folder: string;
before(async () => void (folder = await mkdtemp(join(tmpdir(), 'firn-restore-faults-'))));
after(async () => {
  await workers.close();
  await rm(folder, { recursive: true });
});

/** The contents that a block of these tests can have, by their number; 0 is zeros. */
const contents = Array.from({ length: 40 }, (_, number) => {
  const content = new Uint8Array(blockBytes);
  const volume = new ModelVolume(1);
  if (number > 0) volume.write(0, 16, number * 100);
  volume.readBlock(0, content);
  return content;
});
const numbers = new Map(contents.map((each, number) => [firstWord(each), number]));

function firstWord(content: Uint8Array): number {
  return Buffer.from(content.buffer, content.byteOffset).readUInt32LE(0);
}

/** A disk of whole blocks that keeps in a crash what was flushed, and of the rest what it likes. */
class CrashingDisk implements BlockDevice {
  readonly lengthBytes: number;
  readonly readOnly = false;
  blocks: Uint8Array;
  /** Called before each request; what it throws is the answer. */
  onCall: (verb: 'write' | 'zero' | 'flush' | 'extents') => void = () => undefined;
  #durable: Uint8Array;
  #unflushed: { block: number; number: number }[] = [];

  constructor(blocks: Uint8Array) {
    this.lengthBytes = blocks.length * blockBytes;
    this.blocks = Uint8Array.from(blocks);
    this.#durable = Uint8Array.from(blocks);
  }

  crash(random: Random): void {
    for (const { block, number } of this.#unflushed) {
      if (random() < 0.5) this.#durable[block] = number;
    }
    this.#unflushed = [];
    this.blocks = Uint8Array.from(this.#durable);
  }

  async write(offsetBytes: number, data: Uint8Array): Promise<void> {
    this.onCall('write');
    for (let at = 0; at < data.length; at += blockBytes) {
      const content = data.subarray(at, at + blockBytes);
      const number = must(numbers.get(firstWord(content)), 'a content of these tests');
      assert.equal(Buffer.compare(content, must(contents[number], 'its bytes')), 0);
      this.#set((offsetBytes + at) / blockBytes, number);
    }
  }

  async zero(offsetBytes: number, lengthBytes: number): Promise<void> {
    this.onCall('zero');
    const end = (offsetBytes + lengthBytes) / blockBytes;
    for (let block = offsetBytes / blockBytes; block < end; block += 1) this.#set(block, 0);
  }

  async flush(): Promise<void> {
    // What came after it began is not promised.
    const [count, now] = [this.#unflushed.length, Uint8Array.from(this.blocks)];
    this.onCall('flush');
    this.#durable = now;
    this.#unflushed.splice(0, count);
  }

  async extents(offsetBytes: number, lengthBytes: number): Promise<Extent[]> {
    this.onCall('extents');
    const first = offsetBytes / blockBytes;
    return Array.from({ length: lengthBytes / blockBytes }, (_, n) => ({
      offsetBytes: (first + n) * blockBytes,
      lengthBytes: blockBytes,
      kind: this.blocks[first + n] === 0 ? 'absent' : 'data',
    }));
  }

  async read(): Promise<void> {
    assert.fail('a restore reads nothing');
  }

  async trim(): Promise<void> {
    assert.fail('a restore trims nothing');
  }

  async close(): Promise<void> {}

  #set(block: number, number: number): void {
    assert.ok(Number.isInteger(block));
    this.blocks[block] = number;
    this.#unflushed.push({ block, number });
  }
}

interface BackedUp {
  readonly objects: ReadonlyMap<string, Uint8Array>;
  readonly manifest: Manifest;
  readonly blocks: Uint8Array;
}

async function backUpBlocks(blocks: Uint8Array, packBytes: number): Promise<BackedUp> {
  const store = new MemoryStore('memory:test');
  await createRepository(store, { wrappingKey });
  const repository = await openRepository(store, { ...options, packBytes });
  const volume = new ModelVolume(blocks.length);
  for (const [block, number] of blocks.entries()) {
    if (number > 0) volume.write(block * 16, 16, number * 100);
  }
  const manifest = await backUpModel(repository, volume);
  const objects = new Map(store.objects);
  await repository.close();
  return { objects, manifest, blocks };
}

interface Run {
  readonly disk: CrashingDisk;
  readonly path: string;
  /** Called before each request to the store or the disk; what it throws is the answer. */
  readonly onCall: (verb: string) => void;
  /** The requests to the store are done before they fail. */
  readonly isDoneAll?: boolean;
}

/** One process that restores. */
async function restore(backup: BackedUp, { disk, path, onCall, isDoneAll }: Run): Promise<void> {
  const memory = new MemoryStore('memory:test');
  for (const [name, bytes] of backup.objects) memory.objects.set(name, bytes);
  const store = new FaultyStore(memory, ({ verb }) => {
    try {
      onCall(verb);
      return undefined;
    } catch (error) {
      assert.ok(error instanceof OperatingError);
      return { kind: isDoneAll === true ? 'fail-after' : 'fail', error };
    }
  });
  disk.onCall = onCall;
  const repository = await openRepository(store, options);
  try {
    await restoreBackup({
      engine: { openVolume: async () => disk },
      repository,
      backupId: backup.manifest.backupId,
      volumeId: 'disk',
      place: { path, purpose: 'test' },
      signal: new AbortController().signal,
      onProgress: ({ bytesDone, bytesTotal }) => assert.ok(bytesDone <= bytesTotal),
    });
  } finally {
    await repository.close();
  }
}

/**
 * Restores onto `before` and fails at the calls that `isFailing` chooses by their numbers; then
 * crashes, and goes on in a new process. Answers whether it ended by itself, and what was called.
 */
async function restoreFailing(
  backup: BackedUp,
  before: Uint8Array,
  isFailing: (call: number, verb: string) => boolean,
  { random, isDoneAll }: { random: Random; isDoneAll: boolean },
): Promise<{ isEnded: boolean; verbs: string[] }> {
  const disk = new CrashingDisk(before);
  const path = join(folder, 'place');
  const expected = new Uint8Array(before.length);
  expected.set(backup.blocks);
  const verbs: string[] = [];
  let isEnded = true;
  const onCall = (verb: string): void => {
    verbs.push(verb);
    if (isFailing(verbs.length, verb)) throw gone;
  };
  try {
    await restore(backup, { disk, path, onCall, isDoneAll });
  } catch (error) {
    assert.ok(isOperatingError(error, 'unavailable'), String(error));
    isEnded = false;
  }
  disk.crash(random);
  // What a restore says to be done is there after a crash as well.
  if (isEnded) assert.deepEqual(disk.blocks, expected);
  await restore(backup, { disk, path, onCall: () => undefined });
  disk.crash(random);
  assert.deepEqual(disk.blocks, expected, `after ${verbs.length} calls`);
  return { isEnded, verbs };
}

/** Blocks with other contents on both sides of every hole. */
function manyBlocks(count: number, spread: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, block) =>
    block % 7 < 2 ? 0 : 1 + ((block * 5) % spread),
  );
}

const small = manyBlocks(56, 30);
const targets = {
  'a new volume': new Uint8Array(small.length),
  'an existing, larger volume': new Uint8Array(small.length + 9).fill(39),
};

for (const [name, target] of Object.entries(targets)) {
  test(`a restore to ${name} whose n-th request fails, and all later ones`, async () => {
    const random = seeded(seed);
    const backup = await backUpBlocks(small, options.packBytes);
    for (const isDoneAll of [false, true]) {
      for (let n = 1; ; n += 1) {
        const isFailing = (call: number): boolean => call >= n;
        const how = { random, isDoneAll };
        const { isEnded, verbs } = await restoreFailing(backup, target, isFailing, how);
        if (isEnded && verbs.length < n) {
          assert.ok(n > 25, `${n} requests were made to fail`);
          break;
        }
      }
    }
  });

  test(`a restore to ${name} of which one request alone fails`, async () => {
    const random = seeded(seed + 1);
    const backup = await backUpBlocks(small, options.packBytes);
    for (let n = 1; ; n += 1) {
      const isFailing = (call: number): boolean => call === n;
      const how = { random, isDoneAll: false };
      const { verbs } = await restoreFailing(backup, target, isFailing, how);
      if (verbs.length < n) break;
    }
  });
}

test('a place that was noted is never ahead of what the disk keeps', async () => {
  const random = seeded(seed + 2);
  // More than is written between two notes.
  const blocks = manyBlocks(2400, 38);
  const backup = await backUpBlocks(blocks, 256 * 1024);
  const target = new Uint8Array(blocks.length).fill(39);
  const how = { random, isDoneAll: false };
  const whole = await restoreFailing(backup, target, () => false, how);
  const flushes = whole.verbs.flatMap((verb, at) => (verb === 'flush' ? [at + 1] : []));
  assert.ok(flushes.length >= 2, `${flushes.length} flushes`);
  const around = flushes.flatMap((call) => [call - 1, call, call + 1]);
  const last = whole.verbs.length;
  const chosen = [...around, ...Array.from({ length: 4 }, () => 1 + Math.floor(random() * last))];
  for (const n of chosen.filter((call) => call <= last)) {
    await restoreFailing(backup, target, (call) => call >= n, how);
  }
});
