/** What must hold while a volume is busy: instant snapshots, and neighbours that notice little. */
import { setTimeout as sleep } from 'node:timers/promises';
import { must } from '../src/base/assert.ts';
import { KiB, MiB } from '../src/base/bytes.ts';
import { monotonicMs } from '../src/base/clock.ts';
import { type FirnVolume, takeSnapshot } from './nbd-firn.ts';
import { type FioLoad, runFio, underLoad } from './nbd-load.ts';
import type { Bench, Timing } from './nbd-measure.ts';
import { startQemuNbd } from './nbd-qemu.ts';

/** All latencies are in milliseconds. */
export interface SnapshotFigures {
  readonly accepted: number[];
  readonly available: number[];
  /** The writer's p99.9 of each run, without and with snapshots. */
  readonly writerAlone: number[];
  readonly writerDuring: number[];
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

export interface Isolation {
  readonly api: Latency;
  readonly read: Latency;
  /** The same reads, of another image in a second qemu-nbd beside a loaded one. */
  readonly peerRead: Latency;
}

const block = { tool: 'fio', blockBytes: 4 * KiB } as const;
const writer: FioLoad = { ...block, rw: 'randwrite', depth: 16, connections: 1 };
const lightReader: FioLoad = { ...block, rw: 'randread', depth: 1, connections: 1 };

export const heavyLoads: Readonly<Record<string, FioLoad>> = {
  '4K reads, depth 64, 4 conn': { ...block, rw: 'randread', depth: 64, connections: 4 },
  '1M writes, depth 16, 1 conn': {
    tool: 'fio',
    rw: 'write',
    blockBytes: MiB,
    depth: 16,
    connections: 1,
  },
};

const snapshotEveryMs = 250;
const apiCallEveryMs = 5;
/** Long enough for several snapshots. */
const writerSecondsLeast = 3;
/** The writer has begun by then. */
const writerBeginsMs = 400;

/** One writer alone, then one on whose volume snapshots are taken all the time. */
export async function measureSnapshots(bench: Bench, timing: Timing): Promise<SnapshotFigures> {
  const { volume, firn, bytes } = bench;
  const seconds = Math.max(writerSecondsLeast, timing.seconds * 3);
  const write = async (): Promise<number> => {
    const options = { uri: volume.uri('unix'), bytes, ...timing, seconds };
    return (await runFio(writer, options)).latencyUs.p999 / 1000;
  };
  const alone = await write();
  const accepted: number[] = [];
  const available: number[] = [];
  const during = write();
  const endMs = monotonicMs() + seconds * 1000;
  await sleep(writerBeginsMs);
  while (monotonicMs() + snapshotEveryMs < endMs) {
    const startMs = monotonicMs();
    await takeSnapshot(firn.client, volume.id, () => accepted.push(monotonicMs() - startMs));
    available.push(monotonicMs() - startMs);
    await sleep(snapshotEveryMs);
  }
  return { accepted, available, writerAlone: [alone], writerDuring: [await during] };
}

/** The neighbours' latencies, first without, then with the load on the bench's volume. */
export async function measureIsolation(
  bench: Bench,
  neighbour: { volume: FirnVolume; path: string; bytes: number },
  heavy: FioLoad,
  timing: Timing,
): Promise<{ idle: Isolation; loaded: Isolation }> {
  const { firn, volume, folder } = bench;
  const uri = neighbour.volume.uri('unix');
  const read = (from: string): Promise<Latency> => readLatency(from, neighbour.bytes, timing);
  const api = (): Promise<Latency> => apiLatency(() => listVolumes(firn.client), timing);
  const idle = { api: await api(), read: await read(uri) };
  const load = { bytes: bench.bytes, seed: timing.seed };
  const loaded = await underLoad(heavy, { ...load, uri: volume.uri('unix') }, async () => ({
    api: await api(),
    read: await read(uri),
  }));
  const served = { format: 'raw', transport: 'unix', folder } as const;
  const mode = { cache: 'writeback', aio: 'io_uring' } as const;
  const busy = await startQemuNbd({ ...served, path: bench.peerPath, mode });
  const other = await startQemuNbd({ ...served, path: neighbour.path, mode });
  try {
    const peerIdle = await read(other.uri);
    const peerLoad = { ...load, uri: busy.uri };
    const peerLoaded = await underLoad(heavy, peerLoad, () => read(other.uri));
    return {
      idle: { ...idle, peerRead: peerIdle },
      loaded: { ...loaded, peerRead: peerLoaded },
    };
  } finally {
    await busy.close();
    await other.close();
  }
}

async function readLatency(uri: string, bytes: number, timing: Timing): Promise<Latency> {
  const { latencyUs } = await runFio(lightReader, { uri, bytes, ...timing });
  return { p50: latencyUs.p50 / 1000, p99: latencyUs.p99 / 1000 };
}

async function listVolumes(client: Bench['firn']['client']): Promise<void> {
  for await (const volume of client.volumes.list()) must(volume, 'a volume');
}

async function apiLatency(call: () => Promise<void>, { seconds }: Timing): Promise<Latency> {
  const took: number[] = [];
  const endMs = monotonicMs() + seconds * 1000;
  while (monotonicMs() < endMs) {
    const startMs = monotonicMs();
    await call();
    took.push(monotonicMs() - startMs);
    await sleep(apiCallEveryMs);
  }
  return { p50: percentile(took, 0.5), p99: percentile(took, 0.99) };
}

/** The least of the values that so large a share of them does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const index = Math.max(0, Math.ceil(sorted.length * share) - 1);
  return must(sorted[index], 'at least one value');
}
