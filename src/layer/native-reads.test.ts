import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { directReadCalls, type QueuedRead, type ReadQueue, slotBytes } from './native-reads.ts';

const skip = directReadCalls === undefined && 'the calls are not to be had on this machine';
const content = randomBytes(5 * slotBytes);

/** A file that is open for direct reads; undefined where there are none, as in some containers. */
async function directFile(t: TestContext): Promise<number | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-direct-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'file');
  await writeFile(path, content, { flush: true });
  const file = await open(path, constants.O_RDONLY | constants.O_DIRECT).catch(() => undefined);
  if (file === undefined) t.skip('no direct reads on this file system');
  else t.after(() => file.close());
  return file?.fd;
}

/** Results by slot, of reads that all have ended; none where the file system has no such reads. */
async function results(queue: ReadQueue, reads: readonly QueuedRead[]) {
  const found = new Map<number, number>();
  const onEnd = (slot: number, result: number): void => void found.set(slot, result);
  const begun = queue.begin(reads);
  if (begun === 0) return found;
  assert.equal(begun, reads.length);
  queue.reap(onEnd);
  while (found.size < reads.length) await queue.wait(onEnd);
  return found;
}

test('reads end by themselves, each in its slot', { skip }, async (t) => {
  const descriptor = await directFile(t);
  const queue = directReadCalls?.openQueue();
  if (descriptor === undefined || queue === undefined) return;
  const reads = [4, 0, 3, 1].map((index, slot) => ({
    slot,
    descriptor,
    positionBytes: index * slotBytes,
    lengthBytes: index === 1 ? 4096 : slotBytes,
  }));
  const found = await results(queue, reads);
  if (found.size === 0) return t.skip('no queued reads on this file system');
  for (const { slot, positionBytes, lengthBytes } of reads) {
    // A kernel may refuse to begin at once; then nothing is promised.
    if (found.get(slot) === -11) continue;
    assert.equal(found.get(slot), lengthBytes);
    const expected = content.subarray(positionBytes, positionBytes + lengthBytes);
    assert.ok(expected.equals(queue.bytesOf(slot).subarray(0, lengthBytes)), `slot ${slot}`);
  }
});

test('the end of a file and a closed file are told of', { skip }, async (t) => {
  const descriptor = await directFile(t);
  const queue = directReadCalls?.openQueue();
  if (descriptor === undefined || queue === undefined) return;
  const behind = { slot: 7, descriptor, positionBytes: content.length, lengthBytes: 4096 };
  assert.ok(((await results(queue, [behind])).get(7) ?? 0) <= 0);
  assert.equal(queue.begin([{ ...behind, descriptor: 1_000_000 }]), 0);
});

test('what was just written is in memory, what is behind the end is not', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-direct-'));
  const file = await open(join(folder, 'file'), 'w+');
  t.after(async () => {
    await file.close();
    await rm(folder, { recursive: true });
  });
  await file.write(Buffer.alloc(8192, 1));
  const pages = directReadCalls?.cachedPages(file.fd, 0, 8192);
  if (!pages) return t.skip('this kernel does not tell, or not of this file system');
  assert.equal(directReadCalls?.cachedPages(file.fd, 8192, 8192), 0);
});
