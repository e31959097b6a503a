/**
 * What snapshots cost a writer, in one process: how long the gate is closed, how long a snapshot
 * takes, and the latency of writes with and without snapshots.
 *
 * Usage: node bench/freeze.ts [--depth 16] [--write-kib 4] [--count 50] [--folder DIR]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { must } from '../src/base/assert.ts';
import { GiB, KiB } from '../src/base/bytes.ts';
import { monotonicMs } from '../src/base/clock.ts';
import type { BlockDevice } from '../src/volume/block-device.ts';
import { openVolumeEngine } from '../src/volume/open-engine.ts';
import { seeded } from '../demo/random.ts';

const { values } = parseArgs({
  options: {
    depth: { type: 'string', default: '16' },
    'write-kib': { type: 'string', default: '4' },
    count: { type: 'string', default: '50' },
    folder: { type: 'string', default: tmpdir() },
  },
});
const depth = Number(values.depth);
const writeBytes = Number(values['write-kib']) * KiB;
const count = Number(values.count);
const lengthBytes = GiB;
/** Between two snapshots. */
const pauseMs = 20;

function at(sorted: readonly number[], share: number): string {
  const index = Math.min(sorted.length - 1, Math.floor(sorted.length * share));
  return must(sorted[index], 'something was measured').toFixed(3);
}

/** Writes at random places, `depth` at a time, until told to stop; answers the latencies in ms. */
async function load(device: BlockDevice, signal: AbortSignal): Promise<number[]> {
  const random = seeded(1);
  const latencies: number[] = [];
  const content = Buffer.alloc(writeBytes, 1);
  const writer = async (): Promise<void> => {
    while (!signal.aborted) {
      const place = Math.floor(random() * (lengthBytes / writeBytes)) * writeBytes;
      const startMs = monotonicMs();
      await device.write(place, content);
      latencies.push(monotonicMs() - startMs);
      // A write that memory takes ends in the same turn; sockets would be read between two.
      await new Promise(setImmediate);
    }
  };
  await Promise.all(Array.from({ length: depth }, writer));
  return latencies;
}

async function measure(work: () => Promise<void>, device: BlockDevice): Promise<number[]> {
  const ending = new AbortController();
  const loading = load(device, ending.signal);
  await work();
  ending.abort();
  return (await loading).sort((a, b) => a - b);
}

const folder = await mkdtemp(join(values.folder, 'firn-freeze-'));
try {
  const engine = await openVolumeEngine({ folder });
  await engine.createVolume({ volumeId: 'v', lengthBytes });
  const device = await engine.openVolume('v');
  const gates: number[] = [];
  const snapshots: number[] = [];
  const quiet = await measure(() => setTimeout(count * pauseMs), device);
  const loaded = await measure(async () => {
    for (let index = 0; index < count; index += 1) {
      const startMs = monotonicMs();
      await engine.createSnapshots([{ volumeId: 'v', snapshotId: `s${index}` }]);
      snapshots.push(monotonicMs() - startMs);
      gates.push(engine.freezeTimes.lastMs);
      await setTimeout(pauseMs);
    }
  }, device);
  for (const [name, times] of Object.entries({ gates, snapshots, quiet, loaded })) {
    times.sort((a, b) => a - b);
    const figures = [0.5, 0.99, 0.999, 1].map((share) => at(times, share).padStart(10));
    process.stdout.write(`${name.padEnd(10)}${figures.join('')}\n`);
  }
  process.stdout.write('          ms:    median       p99     p99.9       max\n');
  await device.close();
  await engine.close();
} finally {
  await rm(folder, { recursive: true });
}
