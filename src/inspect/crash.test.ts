/** Whatever a crash or a power cut leaves is no damage to a check, and nothing flushed is lost. */
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { runPowerCuts } from './power-cut-fixture.ts';

const seed = Number(process.env['FIRN_TEST_SEED'] ?? randomInt(2 ** 31));
const cuts = Number(process.env['FIRN_CUTS'] ?? 6);

test(`a power cut at any moment (FIRN_TEST_SEED=${seed})`, { timeout: 900_000 }, async () => {
  await runPowerCuts({ seed, cuts });
});
