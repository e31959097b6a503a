import assert from 'node:assert/strict';
import { once } from 'node:events';
import { getPriority, release } from 'node:os';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { shortenSlices, shortSliceNs, sliceNs } from './time-slice.ts';

const [major = 0, minor = 0] = release().split('.').map(Number);
const isOld = major < 6 || (major === 6 && minor < 12);

/** The slices of a thread that this one makes. */
async function sliceOfNewThread(): Promise<unknown> {
  const module = new URL('time-slice.ts', import.meta.url).href;
  const source = `
    import { parentPort } from 'node:worker_threads';
    import { sliceNs } from ${JSON.stringify(module)};
    parentPort.postMessage(sliceNs());
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
  const [slice]: unknown[] = await once(worker, 'message');
  await once(worker, 'exit');
  return slice;
}

test('short slices are for the thread that asks, whose priority stays', async (t) => {
  const before = { slice: sliceNs(), priority: getPriority() };
  shortenSlices();
  assert.equal(getPriority(), before.priority);
  if (isOld || before.slice === undefined || before.slice === 0) {
    t.skip(`Linux ${release()} gives no slices of a chosen length`);
    return;
  }
  assert.equal(sliceNs(), shortSliceNs);
  assert.equal(await sliceOfNewThread(), before.slice);
});
