/**
 * Runs the random tests for long, a round of each in turn, each round with a seed of its own, until
 * the time is over, a round fails or Ctrl-C ends it. The seed of a round and `--only` repeat it.
 */
import { randomInt } from 'node:crypto';
import { inspect } from 'node:util';
import { Command, InvalidArgumentError } from 'commander';
import { monotonicMs } from '../src/base/clock.ts';
import { models, type Round } from '../test/soak/models.ts';

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly only?: string;
}

const names = [...models.keys()];

function numberOf(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError('Not such a number.');
  return value;
}

function nameOf(text: string): string {
  if (!models.has(text)) throw new InvalidArgumentError(`The models are ${names.join(', ')}.`);
  return text;
}

const options = new Command('npm run soak --')
  .description('Long forms of the tests that draw what they do at random.')
  .option('--minutes <number>', 'no round begins after so many', numberOf, 60)
  .option('--seed <number>', 'of the first round; the next ones count up', numberOf)
  .option('--only <name>', `one of ${names.join(', ')}`, nameOf)
  .parse()
  .opts<Partial<Options>>();

const stop = new AbortController();
process.on('SIGINT', () => {
  if (stop.signal.aborted) process.exit(130);
  process.stdout.write('Ends when what runs has come to its end; Ctrl-C again ends at once.\n');
  stop.abort();
});

/** Runs one round and says how it went; false when it failed. */
async function run(name: string, round: Round, seed: number): Promise<boolean> {
  const startMs = monotonicMs();
  const took = (): string => `${((monotonicMs() - startMs) / 1000).toFixed(1)} s`;
  try {
    const done = await round(seed, stop.signal);
    const cut = stop.signal.aborted ? 'ended early, of ' : '';
    process.stdout.write(`${name} --seed ${seed}: ${cut}${done}, ${took()}\n`);
    return true;
  } catch (error) {
    // A Ctrl-C in a terminal also ends the server that a round runs.
    if (stop.signal.aborted) return true;
    const repeat = `npm run soak -- --only ${name} --seed ${seed} --minutes 0`;
    process.stdout.write(`${name} --seed ${seed}: FAILED after ${took()}\n`);
    process.stdout.write(`${inspect(error, { depth: 8 })}\n\nTo repeat it: ${repeat}\n`);
    return false;
  }
}

/** Rounds until the time is over; each model has one at least. */
async function soak({ minutes, seed: first, only }: Options): Promise<boolean> {
  const endMs = monotonicMs() + minutes * 60_000;
  const chosen = [...models].filter(([name]) => only === undefined || name === only);
  for (let seed = first; ; seed += 1) {
    for (const [name, round] of chosen) {
      if (stop.signal.aborted || (seed > first && monotonicMs() >= endMs)) return true;
      if (!(await run(name, round, seed))) return false;
    }
  }
}

const good = await soak({ minutes: 60, seed: randomInt(2 ** 31), ...options });
process.exitCode = good ? 0 : 1;
