import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { runChainModel } from './chain-model-fixture.ts';

const seed = Number(process.env['FIRN_TEST_SEED'] ?? randomInt(2 ** 31));
const runs = Number(process.env['FIRN_MODEL_RUNS'] ?? 40);

test(
  `volumes, snapshots and clones are what plain arrays say (FIRN_TEST_SEED=${seed})`,
  { timeout: 900_000 },
  async () => {
    await runChainModel({ seed, runs, stepsMax: 60 });
  },
);
