/**
 * Whether a thousand snapshots of one volume cost its users anything: volumes with few and with
 * many are open in one process, and fio reads and writes them by NBD in turn. `…Ratio` is the
 * median of the rounds' ratios to the first volume; `heldMiB` is what the process holds when the
 * volume has been read once, with all volumes before it.
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
import { newSecret } from '../src/base/ids.ts';
import type { DataPlane } from '../src/dataplane/data-plane.ts';
import { openDataPlane } from '../src/dataplane/open-data-plane.ts';
import type { BlockDevice } from '../src/volume/block-device.ts';
import { openVolumeEngine } from '../src/volume/open-engine.ts';
import { seeded } from '../demo/random.ts';
import { type FioLoad, runFio } from './nbd-load.ts';

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

/** What is measured through the NBD server, by name. */
const loads: Readonly<Record<string, FioLoad>> = Object.fromEntries(
  (['randread', 'randwrite'] as const).flatMap((rw) =>
    [1, 16].map((depth) => [
      `${rw === 'randread' ? 'read' : 'write'}${depth}`,
      { tool: 'fio', rw, blockBytes: sector, depth, connections: 1 } as const,
    ]),
  ),
);

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

/** A volume with `count` snapshots, and what making and opening it took. */
interface Subject {
  readonly count: number;
  readonly plane: DataPlane;
  readonly uri: string;
  readonly figures: Record<string, number>;
}

async function makeSnapshots(folder: string, count: number): Promise<number> {
  const engine = await openVolumeEngine({ folder });
  await engine.createVolume({ volumeId: 'v', lengthBytes });
  const base = await engine.openVolume('v');
  for (let at = 0; at < lengthBytes; at += MiB) await base.write(at, Buffer.alloc(MiB, 1));
  await base.flush();
  const makeMs = await timed(async () => {
    for (let index = 0; index < count; index += 1) {
      for (let each = 0; each < changes; each += 1) {
        await base.write(anySector(), Buffer.alloc(sector, 2));
      }
      await engine.createSnapshots([{ volumeId: 'v', snapshotId: `s${index}` }]);
    }
  });
  await base.close();
  await engine.close();
  return makeMs;
}

async function open(folder: string, count: number): Promise<Subject> {
  const makeMs = await makeSnapshots(folder, count);
  const fail = (error: unknown): never => {
    throw error;
  };
  const started = monotonicMs();
  const plane = await openDataPlane({ folder }, { onNbd: () => undefined, onFault: fail });
  const openMs = Math.round(monotonicMs() - started);
  const { engine } = plane;
  const target = Buffer.alloc(sector);
  const firstReadMs = await timed(async () => {
    const device = await engine.openVolume('v');
    await device.read(anySector(), target);
    await device.close();
  });
  const name = newSecret();
  await plane.exports.add(name, { source: { volumeId: 'v' }, readOnly: false });
  const socket = join(folder, 'nbd.sock');
  await plane.listenUnix(socket);
  const device = await engine.openVolume('v');
  const warmMs = await timed(() => warm(device));
  const usageMs = await timed(() => engine.usage({ volumeId: 'v' }));
  const snapshotMs = await timed(() =>
    engine.createSnapshots([{ volumeId: 'v', snapshotId: 'last' }]),
  );
  const { heapUsed, external } = process.memoryUsage();
  const heldMiB = Math.round((heapUsed + external) / MiB);
  const figures = { makeMs: Math.round(makeMs / count), openMs, firstReadMs, warmMs, usageMs };
  return {
    count,
    plane,
    uri: `nbd+unix:///${name}?socket=${socket}`,
    figures: { ...figures, snapshotMs, heldMiB },
  };
}

/** The median of an odd number of values. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return must(sorted[Math.floor(sorted.length / 2)], 'a value');
}

/** Every load on every volume in turn, round by round, so that noise meets all of them. */
async function measure(subjects: readonly Subject[]): Promise<void> {
  for (const [name, load] of Object.entries(loads)) {
    const rates = subjects.map((): number[] => []);
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, { uri }] of subjects.entries()) {
        const { iops } = await runFio(load, { uri, bytes: lengthBytes, seconds, seed: round });
        must(rates[index], 'rates of a volume').push(iops);
      }
    }
    const first = must(rates[0], 'rates of the first volume');
    for (const [index, { figures }] of subjects.entries()) {
      const own = must(rates[index], 'rates of a volume');
      figures[name] = Math.round(median(own));
      const ratios = own.map((rate, round) => rate / must(first[round], 'a round'));
      figures[`${name}Ratio`] = Number(median(ratios).toFixed(2));
    }
  }
}

const folders: string[] = [];
const subjects: Subject[] = [];
try {
  for (const count of values.counts.split(',').map(Number)) {
    const folder = await mkdtemp(join(values.folder, 'firn-snapshots-'));
    folders.push(folder);
    subjects.push(await open(folder, count));
  }
  await measure(subjects);
  for (const { count, figures } of subjects) {
    const said = Object.entries({ snapshots: count, ...figures });
    process.stdout.write(`${said.map(([name, value]) => `${name} ${value}`).join('  ')}\n`);
  }
} finally {
  for (const { plane } of subjects) await plane.close();
  for (const folder of folders) await rm(folder, { recursive: true });
}
