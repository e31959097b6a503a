import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newSecret } from '../base/ids.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import { ExportRegistry } from './exports.ts';

test('an export knows since when it is used, and when somebody left last', () => {
  let now = 1000;
  const registry = new ExportRegistry({ now: () => now });
  const name = newSecret();
  const open = async () => openMemoryDevice({ lengthBytes: 4096 });
  const facts = (): unknown[] => {
    const { count, connectedSinceMs, disconnectedAtMs } = registry.clients(name);
    return [count, connectedSinceMs, disconnectedAtMs];
  };
  assert.deepEqual(facts(), [0, undefined, undefined]);
  registry.add(name, { readOnly: false, open });
  const cut = async (): Promise<void> => undefined;
  const first = registry.claim(name, cut);
  now = 2000;
  const second = registry.claim(name, async () => undefined);
  assert.deepEqual(facts(), [2, 1000, undefined]);
  now = 3000;
  first?.release();
  first?.release();
  assert.deepEqual(facts(), [1, 1000, 3000]);
  now = 4000;
  second?.release();
  assert.deepEqual(facts(), [0, undefined, 4000]);
  now = 5000;
  registry.claim(name, cut);
  assert.deepEqual(facts(), [1, 5000, 4000]);
});
