/** A guest that changes its disk in every way until the connection breaks, keeping the history. */
import { must } from '../../src/base/assert.ts';
import { isOperatingError } from '../../src/base/errors.ts';
import type { NbdClient } from '../../src/client/nbd.ts';
import type { Random } from '../../demo/random.ts';
import {
  offsetOf,
  placeRuns,
  places,
  sectorBytes,
  type Mark,
  type SectorHistory,
} from './sector-history.ts';

export interface Counts {
  writes: number;
  flushes: number;
}

/** The first sector of each disk is a counter; nothing else is written there. */
export const counterPlace = 0;

interface Run {
  readonly first: number;
  readonly sectors: number;
}

/** Runs of places that never overlap, so that each has one change under way at most. */
function runsOfPlaces(workers: number): Run[][] {
  const length = 16;
  const runs: Run[] = placeRuns().flatMap(({ first, sectors }) =>
    Array.from({ length: sectors / length }, (_, index) => ({
      first: first + index * length,
      sectors: length,
    })),
  );
  runs[0] = { first: counterPlace + 1, sectors: length - 1 };
  return Array.from({ length: workers }, (_, worker) =>
    runs.filter((_run, index) => index % workers === worker),
  );
}

/** Changes the disk over all `connections` at once until they break; rejects for other reasons. */
export async function writeUntilCut(
  connections: readonly NbdClient[],
  history: SectorHistory,
  { random, counts }: { random: Random; counts: Counts },
): Promise<void> {
  const workersEach = 3;
  const runs = runsOfPlaces(connections.length * workersEach);
  await Promise.all(
    runs.map((mine, index) => {
      const disk = must(connections[index % connections.length], 'a connection');
      return untilCut(() => step(disk, history, { runs: mine, random, counts }));
    }),
  );
}

/** Repeats a step until the connection breaks. */
export async function untilCut(work: () => Promise<void>): Promise<void> {
  try {
    for (;;) await work();
  } catch (error) {
    if (!isOperatingError(error, 'unavailable')) throw error;
  }
}

async function step(
  disk: NbdClient,
  history: SectorHistory,
  { runs, random, counts }: { runs: readonly Run[]; random: Random; counts: Counts },
): Promise<void> {
  const upTo = (limit: number): number => Math.floor(random() * limit);
  const kind = random();
  if (kind < 0.08) {
    const covered: Mark = history.acknowledged.slice();
    await disk.flush();
    history.acknowledgeFlush(covered);
    counts.flushes += 1;
    return;
  }
  // The small windows are hit as often as the large one.
  const run = must(
    runs[random() < 0.5 ? upTo(Math.min(2, runs.length)) : upTo(runs.length)],
    'run',
  );
  const from = run.first + upTo(run.sectors);
  const count = 1 + upTo(random() < 0.5 ? 1 : run.first + run.sectors - from);
  const isDurable = random() < 0.1;
  const isZero = kind < 0.3;
  history.begin(from, count, isZero);
  const range = [offsetOf(from), count * sectorBytes] as const;
  if (!isZero) {
    await disk.write(range[0], history.content(from, count), { fua: isDurable });
  } else if (isDurable || kind < 0.18) {
    await disk.zero(...range, { fua: isDurable });
  } else {
    await disk.trim(...range);
  }
  history.acknowledge(from, count, { isDurable });
  counts.writes += 1;
}

/** Counts on two disks by turns, each step durable before the next, until they are cut. */
export async function countUntilCut(
  disks: readonly (readonly [NbdClient, SectorHistory])[],
  { next, steps }: { next: number; steps: CounterSteps },
): Promise<void> {
  let turn = next;
  await untilCut(async () => {
    const [disk, history] = must(disks[turn % disks.length], 'a disk');
    history.begin(counterPlace, 1, false);
    steps.begin(turn % disks.length, must(history.issued[counterPlace], 'a version'), turn);
    await disk.write(offsetOf(counterPlace), history.content(counterPlace, 1), { fua: true });
    history.acknowledge(counterPlace, 1, { isDurable: true });
    turn += 1;
  });
}

/** Which step of the counting a version of a counter is. */
export class CounterSteps {
  readonly #steps = new Map<string, number>();

  begin(disk: number, version: number, turn: number): void {
    this.#steps.set(`${disk} ${version}`, turn);
  }

  /** The step that a version was written in; before the first, the disk has none. */
  stepOf(disk: number, version: number): number {
    return this.#steps.get(`${disk} ${version}`) ?? disk - 2;
  }
}

/** All places of a disk, one after the other. */
export async function readPlaces(disk: NbdClient): Promise<Buffer> {
  const content = Buffer.alloc(places * sectorBytes);
  await Promise.all(
    placeRuns().map(({ first, sectors }) => {
      const target = content.subarray(first * sectorBytes, (first + sectors) * sectorBytes);
      return disk.read(offsetOf(first), target);
    }),
  );
  return content;
}
