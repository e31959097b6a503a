/** What was acknowledged before the process was killed is there afterwards. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { startScene } from '../firn.ts';
import { KilledServer } from './killed-server.ts';

const seed = Number(process.env['FIRN_TEST_SEED'] ?? randomInt(2 ** 31));
const rounds = Number(process.env['FIRN_TEST_ROUNDS'] ?? 2);

test(`flushed data and snapshots outlive the process (FIRN_TEST_SEED=${seed})`, async (t) => {
  const server = new KilledServer(await startScene(t), seed);
  await server.begin();
  for (let round = 0; round < rounds; round += 1) await server.round();
  t.diagnostic(JSON.stringify(server.counts));
  assert.ok(server.counts.writes > 0 && server.counts.flushes > 0);
});
