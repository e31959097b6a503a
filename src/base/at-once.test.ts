import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { atOnce } from './at-once.ts';

test('so many run at a time, and all of them', async () => {
  let running = 0;
  let most = 0;
  const done: number[] = [];
  await atOnce(3, [1, 2, 3, 4, 5, 6, 7], async (one) => {
    running += 1;
    most = Math.max(most, running);
    await turn();
    running -= 1;
    done.push(one);
  });
  assert.deepEqual([most, new Set(done)], [3, new Set([1, 2, 3, 4, 5, 6, 7])]);
  assert.equal(done.length, 7);
});

test('the first failure ends it when all that were begun have ended', async () => {
  const ended: number[] = [];
  const work = atOnce(2, [1, 2, 3, 4], async (one) => {
    for (let turns = 0; turns < one * 3; turns += 1) await turn();
    ended.push(one);
    if (one === 1) throw new Error('one');
  });
  await assert.rejects(work, /one/);
  assert.deepEqual(ended, [1, 2]);
});
