import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import test from 'node:test';
import * as fc from 'fast-check';
import { assertUnharmed, badnesses, fuzzNbd, patience, startFuzzScene } from './fuzz-fixture.ts';

const seed = Number(process.env['FIRN_TEST_SEED'] ?? randomInt(2 ** 31));

for (const { name, runs, property } of badnesses) {
  test(`${name} (FIRN_TEST_SEED=${seed})`, async () => {
    await using scene = await startFuzzScene();
    await fc.assert(property(scene), { seed, numRuns: runs, ...patience });
    await assertUnharmed(scene);
  });
}

test(`all kinds of bad peers in turn (FIRN_TEST_SEED=${seed})`, async () => {
  const seconds = Number(process.env['FIRN_SOAK'] ?? 0.5);
  assert.ok((await fuzzNbd({ seed, seconds })) > 0);
});
