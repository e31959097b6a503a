import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { DirectReads } from './direct-reads.ts';
import type { OnEnd } from './kernel-queue.ts';
import type { QueuedRead, ReadQueue } from './native-reads.ts';
import { slotBytes, slotCount } from './native-reads.ts';

/** A queue of which the test says when its reads end, and how. */
class Disk implements ReadQueue {
  nowMs = 0;
  /** The reads of each call. */
  readonly calls: QueuedRead[][] = [];
  beginsAtMost = slotCount;
  readonly ended: { slot: number; result: number }[] = [];
  waiting: { onEnd: OnEnd; resolve: () => void } | undefined;
  readonly #soon: (() => void)[] = [];
  readonly reads = new DirectReads(this, {
    now: () => this.nowMs,
    soon: (work) => this.#soon.push(work),
  });
  readonly told: (number | undefined)[] = [];

  bytesOf(slot: number): Uint8Array {
    return new Uint8Array(slotBytes).fill(slot);
  }

  begin(reads: readonly QueuedRead[]): number {
    this.calls.push([...reads]);
    return Math.min(reads.length, this.beginsAtMost);
  }

  reap(onEnd: OnEnd): void {
    for (const { slot, result } of this.ended.splice(0)) onEnd(slot, result);
  }

  wait(onEnd: OnEnd): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.waiting = { onEnd, resolve };
    return promise;
  }

  /** Asks for a sector; what comes of it is told by its first byte. */
  ask(sector: number, lengthBytes = 4096): boolean {
    return this.reads.begin({
      descriptor: 3,
      positionBytes: sector * 4096,
      lengthBytes,
      onEnd: (bytes) => this.told.push(bytes?.[0]),
    });
  }

  /** One turn of the event loop; answers how many had asked for it. */
  async turn(): Promise<number> {
    const work = this.#soon.splice(0);
    for (const each of work) each();
    await turn();
    return work.length;
  }
}

test('all that come in one turn are begun together, and end in any order', async () => {
  const disk = new Disk();
  for (let sector = 0; sector < 5; sector += 1) assert.ok(disk.ask(sector));
  await turn();
  assert.equal(disk.calls.length, 1);
  const [read] = disk.calls;
  assert.deepEqual(
    read?.map(({ positionBytes }) => positionBytes / 4096),
    [0, 1, 2, 3, 4],
  );
  const slots = read?.map(({ slot }) => slot) ?? [];
  for (const slot of slots.toReversed()) disk.ended.push({ slot, result: 4096 });
  await disk.turn();
  assert.deepEqual(disk.told, slots.toReversed());
  assert.equal(await disk.turn(), 0, 'nobody looks when nothing is under way');
});

test('only whole sectors that fit a slot are taken, and as many as there are slots', async () => {
  const disk = new Disk();
  assert.ok(!disk.ask(0, 0));
  assert.ok(!disk.ask(0, 512));
  assert.ok(!disk.ask(0.5));
  assert.ok(!disk.ask(0, slotBytes + 4096));
  for (let sector = 0; sector < slotCount; sector += 1) assert.ok(disk.ask(sector));
  assert.ok(!disk.ask(99));
  await turn();
  disk.ended.push({ slot: 9, result: 4096 });
  await disk.turn();
  assert.ok(disk.ask(99));
});

test('what has not begun, failed or came short is to be read otherwise', async () => {
  const disk = new Disk();
  disk.beginsAtMost = 2;
  for (let sector = 0; sector < 4; sector += 1) disk.ask(sector);
  await turn();
  assert.deepEqual(disk.told, [undefined, undefined]);
  const [first, second] = disk.calls[0] ?? [];
  disk.ended.push({ slot: first?.slot ?? -1, result: -11 });
  disk.ended.push({ slot: second?.slot ?? -1, result: 512 });
  await disk.turn();
  assert.deepEqual(disk.told, [undefined, undefined, undefined, undefined]);
});

test('a slow disk is waited for by a thread, and none is asked for more', async () => {
  const disk = new Disk();
  disk.ask(1);
  disk.ask(2);
  await turn();
  await disk.turn();
  disk.nowMs += 5;
  await disk.turn();
  assert.ok(disk.waiting !== undefined);
  assert.equal(await disk.turn(), 0, 'the loop may sleep');
  const slots = disk.calls[0]?.map(({ slot }) => slot) ?? [];
  disk.waiting.onEnd(slots[0] ?? -1, 4096);
  disk.waiting.resolve();
  await turn();
  disk.ended.push({ slot: slots[1] ?? -1, result: 4096 });
  await disk.turn();
  assert.deepEqual(disk.told, slots);
});

test('a kernel that refuses everything is left alone for a while', async () => {
  const disk = new Disk();
  disk.beginsAtMost = 0;
  for (let sector = 0; sector < slotCount; sector += 1) disk.ask(sector);
  await turn();
  assert.ok(!disk.ask(1));
  disk.nowMs += 2000;
  assert.ok(disk.ask(1));
});
