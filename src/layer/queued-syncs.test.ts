import assert from 'node:assert/strict';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { KernelQueue, KernelRequest, OnEnd } from './kernel-queue.ts';
import { QueuedSyncs, queuedSyncs } from './queued-syncs.ts';

/** A queue of which the test says when its syncs end, and how. */
class Disk implements KernelQueue {
  readonly begun: KernelRequest[] = [];
  beginsAtMost = 1;
  readonly #ended: { slot: number; result: number }[] = [];

  begin(requests: readonly KernelRequest[]): number {
    if (this.beginsAtMost > 0) this.begun.push(...requests);
    return Math.min(requests.length, this.beginsAtMost);
  }

  end(index: number, result: number): void {
    const slot = this.begun[index]?.slot ?? -1;
    this.#ended.push({ slot, result });
  }

  reap(onEnd: OnEnd): void {
    for (const { slot, result } of this.#ended.splice(0)) onEnd(slot, result);
  }

  async wait(onEnd: OnEnd): Promise<void> {
    while (this.#ended.length === 0) await turn();
    this.reap(onEnd);
  }
}

test('each sync has the end that the kernel tells for it, in any order', async () => {
  const disk = new Disk();
  const syncs = new QueuedSyncs(disk);
  const [first, second] = [syncs.begin(7), syncs.begin(8)];
  assert.deepEqual(
    disk.begun.map(({ descriptor, operation }) => [descriptor, operation]),
    [
      [7, 'sync'],
      [8, 'sync'],
    ],
  );
  disk.end(1, -5);
  await assert.rejects(second ?? Promise.resolve(), { code: 'EIO', syscall: 'fdatasync' });
  disk.end(0, 0);
  await first;
});

test('what the kernel does not begin, or has no room for, is to be done otherwise', async () => {
  const disk = new Disk();
  const syncs = new QueuedSyncs(disk);
  disk.beginsAtMost = 0;
  for (let index = 0; index < 100; index += 1) assert.equal(syncs.begin(3), undefined);
  disk.beginsAtMost = 1;
  const begun: Promise<void>[] = [];
  for (let next = syncs.begin(3); next !== undefined; next = syncs.begin(3)) begun.push(next);
  assert.ok(begun.length > 0);
  for (const index of begun.keys()) disk.end(index, 0);
  await Promise.all(begun);
  const last = syncs.begin(3);
  disk.end(begun.length, 0);
  assert.notEqual(last, undefined, 'there is room again');
  await last;
});

test('the kernel itself syncs a file, and says why it does not', async (t) => {
  const syncs = queuedSyncs();
  if (syncs === undefined) return t.skip('the calls are not to be had on this machine');
  const folder = await mkdtemp(join(tmpdir(), 'firn-sync-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = await open(join(folder, 'file'), 'w+');
  await file.write(Buffer.alloc(8192, 1));
  for (let index = 0; index < 3; index += 1) await syncs.begin(file.fd);
  await file.close();
  assert.equal(syncs.begin(1_000_000), undefined);
});
