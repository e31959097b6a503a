import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isOperatingError } from '../base/errors.ts';
import { LimitedStore, Pace } from './limit.ts';
import { MemoryStore } from './memory.ts';
import { sleep } from './retry.ts';

/** A pace on a clock that only waiting moves. */
function simulated(bytesPerSecond: number): { pace: Pace; elapsedMs: () => number } {
  let nowMs = 5000;
  const pace = new Pace({
    bytesPerSecond,
    now: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
    },
  });
  return { pace, elapsedMs: () => nowMs - 5000 };
}

describe('a store with limits', () => {
  it('puts and gets at its rates in the mean, each by itself', async () => {
    const upload = simulated(1000);
    const download = simulated(500);
    const limits = { upload: upload.pace, download: download.pace };
    const store = new LimitedStore(new MemoryStore('memory:test'), limits);
    for (let n = 0; n < 11; n += 1) await store.put(`a${n}`, [Buffer.alloc(200)]);
    assert.equal(upload.elapsedMs(), 2000);
    assert.equal(download.elapsedMs(), 0);
    const range = { offsetBytes: 50, lengthBytes: 100 };
    for (let n = 0; n < 5; n += 1) {
      await store.get(`a${n}`);
      await store.get(`a${n}`, { range });
    }
    await store.get('a0');
    assert.equal(download.elapsedMs(), 3000);
    assert.equal(upload.elapsedMs(), 2000);
  });

  it('owes nothing for the time in which nobody took', async () => {
    let nowMs = 0;
    const waits: number[] = [];
    const pace = new Pace({
      bytesPerSecond: 1000,
      now: () => nowMs,
      sleep: async (ms) => {
        waits.push(ms);
      },
    });
    await pace.take(1000);
    nowMs = 60_000;
    await pace.take(1000);
    assert.deepEqual(waits, []);
    await pace.take(1000);
    assert.deepEqual(waits, [1000]);
  });

  it('stops waiting when it is told to', async () => {
    const pace = new Pace({ bytesPerSecond: 1, now: () => 0, sleep });
    const store = new LimitedStore(new MemoryStore('memory:test'), {
      upload: pace,
      download: undefined,
    });
    await store.put('a', [Buffer.alloc(1000)]);
    const control = new AbortController();
    const waiting = store.put('b', [Buffer.alloc(1)], { signal: control.signal });
    control.abort();
    await assert.rejects(waiting, (error) => isOperatingError(error, 'aborted'));
    assert.equal(await store.sizeOf('b'), undefined);
  });
});
