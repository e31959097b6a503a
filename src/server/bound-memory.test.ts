import { deepStrictEqual } from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import { MiB } from '../base/bytes.ts';
import { giveBackFree } from '../base/free-memory.ts';
import { boundMemory } from './bound-memory.ts';

test('what was freed is given back whenever the process has grown, once at a time', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let rssMiB = 100;
  const given: number[] = [];
  let finish = (): void => undefined;
  const end = boundMemory(
    () => rssMiB * MiB,
    () => {
      given.push(rssMiB);
      return new Promise((resolve) => (finish = resolve));
    },
  );
  const lookAt = async (found: number): Promise<void> => {
    rssMiB = found;
    t.mock.timers.tick(500);
    await setImmediate();
  };
  await lookAt(107);
  deepStrictEqual(given, []);
  await lookAt(109);
  await lookAt(130);
  deepStrictEqual(given, [109], 'one at a time');
  rssMiB = 105;
  finish();
  await setImmediate();
  await lookAt(112);
  deepStrictEqual(given, [109], 'counted from what was left');
  await lookAt(90);
  await lookAt(99);
  deepStrictEqual(given, [109, 99], 'and from the least since');
  finish();
  await setImmediate();
  end();
  await lookAt(300);
  deepStrictEqual(given, [109, 99], 'not after the end');
});

test('giving back is harmless, and ends', async () => {
  await giveBackFree();
});
