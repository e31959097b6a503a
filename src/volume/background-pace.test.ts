import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KiB, MiB } from '../base/bytes.ts';
import { BackgroundPace } from './background-pace.ts';

test('background work takes all it can while nobody asks, else 16 MiB/s', async () => {
  let now = 0;
  let requests = 5;
  const pace = new BackgroundPace(
    () => requests,
    () => now,
    async (milliseconds) => {
      now += milliseconds;
    },
  );
  const seconds = async (bytes: number, isLoaded: boolean): Promise<number> => {
    const from = now;
    for (let done = 0; done < bytes; done += 256 * KiB) {
      if (isLoaded) requests += 1;
      now += 1;
      await pace.after(256 * KiB, 1);
    }
    return (now - from) / 1000;
  };
  assert.equal(await seconds(16 * MiB, false), 0.064);
  const loaded = await seconds(16 * MiB, true);
  assert.ok(loaded > 1 && loaded < 1.1, `${loaded} s`);
  now += 1000;
  assert.equal(await seconds(16 * MiB, false), 0.064, 'it goes on at full speed afterwards');
});
