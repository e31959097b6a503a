/** The long forms of the tests that draw what they do at random: one round of each, by its name. */
import { runPowerCuts } from '../../src/inspect/power-cut-fixture.ts';
import { fuzzNbd } from '../../src/nbd/fuzz-fixture.ts';
import { runChainModel } from '../../src/volume/chain-model-fixture.ts';
import { runRandomFaults } from '../../src/volume/every-fault-fixture.ts';
import { KilledServer } from '../crash/killed-server.ts';
import { startScene } from '../firn.ts';

/**
 * Runs one round, which is the same for the same seed but for what runs beside it. Resolves with
 * what was done, or early when `signal` is aborted; rejects with what is wrong.
 */
export type Round = (seed: number, signal: AbortSignal) => Promise<string>;

const chainRuns = 40;
/** When a case that fails is not made smaller any further. */
const shrinkWithinMs = 15 * 60_000;
const powerCuts = 60;
const faultRuns = 150;
const fuzzSeconds = 30;
const kills = 8;

export const models: ReadonlyMap<string, Round> = new Map<string, Round>([
  [
    'chain',
    async (seed, signal) => {
      const { steps } = await runChainModel({
        seed,
        runs: chainRuns,
        stepsMax: 400,
        signal,
        timeLimitMs: shrinkWithinMs,
      });
      return `${steps} steps in ${chainRuns} runs`;
    },
  ],
  [
    'power-cut',
    async (seed, signal) => {
      await runPowerCuts({ seed, cuts: powerCuts, signal });
      return `${powerCuts} power cuts`;
    },
  ],
  [
    'fault',
    async (seed, signal) => {
      await runRandomFaults({ seed, runs: faultRuns, signal });
      return `${faultRuns} runs with a call that fails`;
    },
  ],
  [
    'nbd',
    async (seed) => {
      const peers = await fuzzNbd({ seed, seconds: fuzzSeconds });
      return `${peers} bad peers`;
    },
  ],
  ['kill', killRound],
]);

async function killRound(seed: number, signal: AbortSignal): Promise<string> {
  const ends: (() => Promise<void>)[] = [];
  try {
    const server = new KilledServer(
      await startScene({ after: (work) => void ends.push(work) }),
      seed,
    );
    await server.begin();
    for (let kill = 0; kill < kills && !signal.aborted; kill += 1) await server.round();
    const { counts } = server;
    const asked = Object.entries(counts.asked).map(([name, count]) => `${count} × ${name}`);
    const { writes, flushes } = counts;
    return `${counts.kills} kills, ${writes} writes, ${flushes} flushes; ${asked.join(', ')}`;
  } finally {
    for (const end of ends) await end();
  }
}
