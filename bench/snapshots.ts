/**
 * Whether a thousand snapshots of one volume cost its users anything, in one process.
 *
 * Usage: node bench/snapshots.ts [--counts 1,1000] [--rounds 5] [--seconds 1] [--volume-gib 1]
 *          [--folder DIR]
 *
 * Between two snapshots some sectors at random places are written, so every layer holds something
 * everywhere. The page cache is warm.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { must } from '../src/base/assert.ts';
import { GiB, KiB, MiB } from '../src/base/bytes.ts';
import { monotonicMs } from '../src/base/clock.ts';
import type { BlockDevice } from '../src/volume/block-device.ts';
import { openVolumeEngine } from '../src/volume/open-engine.ts';
import { seeded } from '../demo/random.ts';

const { values } = parseArgs({
  options: {
    counts: { type: 'string', default: '1,1000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    'volume-gib': { type: 'string', default: '1' },
    folder: { type: 'string', default: tmpdir() },
  },
});
const seconds = Number(values.seconds);
const rounds = Number(values.rounds);
const lengthBytes = Number(values['volume-gib']) * GiB;
const sector = 4 * KiB;
const random = seeded(1);
/** Sectors that are written between two snapshots. */
const changes = 64;

function anySector(): number {
  return Math.floor(random() * (lengthBytes / sector)) * sector;
}

interface Rate {
  /** How often in a second. */
  readonly rate: number;
  /** Processor time for each, in microseconds: what others do on the machine is no part of it. */
  readonly cpuUs: number;
}

/** Runs `work` `depth` at a time for some seconds. */
async function rate(depth: number, work: () => Promise<void>): Promise<Rate> {
  const endMs = monotonicMs() + seconds * 1000;
  const cpuBefore = process.cpuUsage();
  let done = 0;
  const one = async (): Promise<void> => {
    while (monotonicMs() < endMs) {
      await work();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: depth }, one));
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuUs = Number(((user + system) / done).toFixed(1));
  return { rate: Math.round(done / seconds), cpuUs };
}

/** The medians of some rounds. */
async function medians(depth: number, work: () => Promise<void>): Promise<Rate> {
  const all: Rate[] = [];
  for (let round = 0; round < rounds; round += 1) all.push(await rate(depth, work));
  const middle = (of: (one: Rate) => number): number =>
    must(all.map(of).sort((a, b) => a - b)[Math.floor(rounds / 2)], 'a round');
  return { rate: middle((one) => one.rate), cpuUs: middle((one) => one.cpuUs) };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = monotonicMs();
  await work();
  return Math.round(monotonicMs() - startMs);
}

/** Reads all once, so that what is measured afterwards is not the first look at anything. */
async function warm(device: BlockDevice): Promise<void> {
  const target = Buffer.alloc(MiB);
  for (let at = 0; at < lengthBytes; at += MiB) await device.read(at, target);
}

async function row(folder: string, count: number): Promise<Record<string, number>> {
  const first = await openVolumeEngine({ folder });
  await first.createVolume({ volumeId: 'v', lengthBytes });
  const base = await first.openVolume('v');
  for (let at = 0; at < lengthBytes; at += MiB) await base.write(at, Buffer.alloc(MiB, 1));
  await base.flush();
  const makeMs = await timed(async () => {
    for (let index = 0; index < count; index += 1) {
      for (let each = 0; each < changes; each += 1) {
        await base.write(anySector(), Buffer.alloc(sector, 2));
      }
      await first.createSnapshots([{ volumeId: 'v', snapshotId: `s${index}` }]);
    }
  });
  await base.close();
  await first.close();
  let engine = first;
  const openMs = await timed(async () => {
    engine = await openVolumeEngine({ folder });
  });
  let device = base;
  const target = Buffer.alloc(sector);
  const firstReadMs = await timed(async () => {
    device = await engine.openVolume('v');
    await device.read(anySector(), target);
  });
  const warmMs = await timed(() => warm(device));
  const figures: Record<string, number> = { snapshots: count, openMs, firstReadMs, warmMs };
  for (const depth of [1, 16]) {
    const { rate: reads, cpuUs } = await medians(depth, () => device.read(anySector(), target));
    figures[`read${depth}`] = reads;
    figures[`read${depth}Us`] = cpuUs;
  }
  for (const depth of [1, 16]) {
    const { rate: writes, cpuUs } = await medians(depth, () => device.write(anySector(), target));
    figures[`write${depth}`] = writes;
    figures[`write${depth}Us`] = cpuUs;
  }
  const middle = `s${Math.floor(count / 2)}`;
  figures['usageHeadMs'] = await timed(() => engine.usage({ volumeId: 'v' }));
  figures['usageAgainMs'] = await timed(() => engine.usage({ volumeId: 'v' }));
  figures['usageMiddleMs'] = await timed(() => engine.usage({ snapshotId: middle }));
  await device.flush();
  figures['snapshotMs'] = await timed(() =>
    engine.createSnapshots([{ volumeId: 'v', snapshotId: 'last' }]),
  );
  figures['makeMs'] = Math.round(makeMs / count);
  const memory = process.memoryUsage();
  figures['heapMiB'] = Math.round(memory.heapUsed / MiB);
  figures['externalMiB'] = Math.round(memory.external / MiB);
  figures['rssMiB'] = Math.round(memory.rss / MiB);
  await device.close();
  await engine.close();
  return figures;
}

for (const count of values.counts.split(',').map(Number)) {
  const folder = await mkdtemp(join(values.folder, 'firn-snapshots-'));
  try {
    const figures = Object.entries(await row(folder, count));
    process.stdout.write(`${figures.map(([name, value]) => `${name} ${value}`).join('  ')}\n`);
  } finally {
    await rm(folder, { recursive: true });
  }
}
