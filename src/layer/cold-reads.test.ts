import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ColdReads } from './cold-reads.ts';

/** A disk of which the test says what is in memory and when a read in the pool is back. */
class Disk {
  nowMs = 0;
  readonly inMemory = new Set<number>();
  readonly asked: number[] = [];
  readonly inPool = new Map<number, PromiseWithResolvers<number>>();
  readonly done: number[] = [];
  readonly #soon: (() => void)[] = [];
  readonly #reads = new ColdReads(
    {
      readCached: (target, at) => (this.inMemory.has(at) ? target.fill(at).byteLength : -1),
      fetch: (at) => this.asked.push(at),
      readInPool: (_target, at) => {
        const back = Promise.withResolvers<number>();
        this.inPool.set(at, back);
        return back.promise;
      },
    },
    { now: () => this.nowMs, soon: (work) => this.#soon.push(work) },
  );

  read(at: number): void {
    void this.#reads.read(new Uint8Array(1), at).then(
      () => this.done.push(at),
      () => this.done.push(-at),
    );
  }

  /** One turn of the event loop; answers how many had asked for it. */
  async turn(): Promise<number> {
    const work = this.#soon.splice(0);
    for (const each of work) each();
    await turn();
    return work.length;
  }

  async back(at: number, read = 1): Promise<void> {
    this.inPool.get(at)?.resolve(read);
    this.inPool.delete(at);
    await turn();
  }
}

test('the disk is asked for all at once, and what it brings soon needs no thread', async () => {
  const disk = new Disk();
  for (let at = 0; at < 20; at += 1) disk.read(at);
  assert.deepEqual(disk.asked, [...Array(20).keys()]);
  for (const at of [0, 2, 3, 19]) disk.inMemory.add(at);
  assert.equal(await disk.turn(), 1);
  // Behind four that are not there the others are not looked for.
  assert.deepEqual(disk.done, [0, 2, 3]);
  for (let at = 0; at < 19; at += 1) disk.inMemory.add(at);
  await disk.turn();
  assert.equal(disk.done.length, 20);
  assert.equal(disk.inPool.size, 0);
  assert.equal(await disk.turn(), 0);
});

test('what does not come soon waits in the pool, a few at a time, and nobody looks', async () => {
  const disk = new Disk();
  for (let at = 0; at < 10; at += 1) disk.read(at);
  await disk.turn();
  assert.equal(disk.inPool.size, 0);
  disk.nowMs = 1;
  await disk.turn();
  assert.deepEqual([...disk.inPool.keys()], [0, 1, 2, 3]);
  assert.equal(await disk.turn(), 0);
  for (const at of [5, 7]) disk.inMemory.add(at);
  await disk.back(2);
  assert.deepEqual(new Set(disk.done), new Set([2, 5, 7]));
  assert.deepEqual([...disk.inPool.keys()], [0, 1, 3, 4]);
});

test('every read ends, also when nothing is ever found in memory or reads fail', async () => {
  const disk = new Disk();
  for (let at = 1; at <= 30; at += 1) disk.read(at);
  disk.nowMs = 1;
  await disk.turn();
  for (let round = 0; round < 30; round += 1) {
    const [at] = disk.inPool.keys();
    assert.ok(at !== undefined && disk.inPool.size <= 4);
    if (at % 3 === 0) {
      disk.inPool.get(at)?.reject(new Error('EIO'));
      disk.inPool.delete(at);
      await turn();
    } else {
      await disk.back(at, 0);
    }
  }
  const expected = Array.from({ length: 30 }, (_, index) => index + 1);
  assert.deepEqual(
    disk.done,
    expected.map((at) => (at % 3 === 0 ? -at : at)),
  );
});
