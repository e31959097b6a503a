/**
 * `npm run bench:nbd`: volumes of Firn beside qemu-nbd in its best mode, on the same data on the
 * same disk in the same run.
 *
 * Usage: npm run bench:nbd -- [--rounds 5] [--seconds 0.8] [--size-mib 512] [--seed 1]
 *          [--rows PATTERN] [--quick] [--firn-only] [--save]
 *
 * PATTERN is a regular expression over the names of the rows, also those that a quick run leaves
 * out. A run of all rows replaces the figures in bench/RESULTS-nbd.md; one of some rows replaces
 * theirs with --save, so that a long bench can be run in pieces.
 */
import { createCipheriv } from 'node:crypto';
import { closeSync, copyFileSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MiB } from '../src/base/bytes.ts';
import { monotonicMs } from '../src/base/clock.ts';
import { run } from './command.ts';
import { type FirnServer, startFirnServer } from './nbd-firn.ts';
import { heavyLoads, measureIsolation, measureSnapshots } from './nbd-latency.ts';
import { type Bench, measureFirn, measureQemu } from './nbd-measure.ts';
import { BestModes, kindOf } from './nbd-modes.ts';
import { modeName } from './nbd-qemu.ts';
import {
  isolationResults,
  keep,
  keepSome,
  type LatencyResult,
  latencyLine,
  markdown,
  type RowResult,
  rowLine,
  snapshotResults,
} from './nbd-report.ts';
import { allRows, type Row } from './nbd-rows.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    'size-mib': { type: 'string' },
    seed: { type: 'string', default: '1' },
    rows: { type: 'string' },
    quick: { type: 'boolean', default: false },
    'firn-only': { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
  },
});
const { quick } = values;
const rounds = Number(values.rounds ?? (quick ? 1 : 5));
const seconds = Number(values.seconds ?? (quick ? 0.5 : 0.8));
const bytes = Number(values['size-mib'] ?? (quick ? 256 : 512)) * MiB;
const seed = Number(values.seed);
const withPeer = !values['firn-only'];
const pattern = values.rows === undefined ? undefined : new RegExp(values.rows);
const neighbourBytes = Math.min(bytes, 256 * MiB);
const resultsPath = join(dirname(fileURLToPath(import.meta.url)), 'RESULTS-nbd.md');

/** Other work on the machine, as the bench begins. */
const loadBefore = (loadavg()[0] ?? 0).toFixed(1);

const wanted = (name: string): boolean => pattern === undefined || pattern.test(name);
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const startedMs = monotonicMs();
/** A result, with the seconds since the start. */
const printResult = (text: string): void =>
  print(`${((monotonicMs() - startedMs) / 1000).toFixed(0).padStart(4)} s  ${text}`);
const eachRound = Array.from({ length: rounds }, (_, index) => ({ seconds, seed: seed + index }));

/** A file of bytes that do not compress: a key stream of AES, the same for the same seed. */
function makeSource(path: string, lengthBytes: number): void {
  const key = Buffer.alloc(16);
  key.writeUInt32LE(seed);
  const stream = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(4 * MiB);
  const fd = openSync(path, 'w');
  for (let done = 0; done < lengthBytes; done += zeros.length) {
    writeSync(fd, stream.update(zeros.subarray(0, lengthBytes - done)));
  }
  closeSync(fd);
}

const warmUpSeconds = 2;
const warmedUp = new Set<string>();

/**
 * Firn has a load of each kind once before it counts, as the peer has in each of its modes: in its
 * first seconds a server in JavaScript is busy with compiling what it does often.
 */
async function warmUp(bench: Bench, row: Row): Promise<void> {
  const kind = kindOf(row);
  if (warmedUp.has(kind)) return;
  warmedUp.add(kind);
  await measureFirn(bench, row, { seconds: warmUpSeconds, seed: seed - 1 });
}

async function measureRow(bench: Bench, row: Row, modes: BestModes): Promise<RowResult> {
  await warmUp(bench, row);
  const mode = withPeer ? await modes.of(row) : undefined;
  const firn: number[] = [];
  const rates: number[] = [];
  for (const timing of eachRound) {
    firn.push(await measureFirn(bench, row, timing));
    if (mode !== undefined) rates.push(await measureQemu(bench, row, mode, timing));
  }
  return { row, firn, qemu: mode === undefined ? undefined : { rates, mode: modeName(mode) } };
}

async function measureRows(bench: Bench): Promise<RowResult[]> {
  const rows = allRows.filter(
    (row) => wanted(row.name) && (pattern !== undefined || !quick || row.quick),
  );
  const modes = new BestModes(bench, { seconds: seconds / 2, seed });
  const results: RowResult[] = [];
  for (const row of rows) {
    const result = await measureRow(bench, row, modes);
    results.push(result);
    printResult(rowLine(result));
  }
  return results;
}

async function measureLatencies(bench: Bench): Promise<LatencyResult[]> {
  const results: LatencyResult[] = [];
  const add = (found: readonly LatencyResult[]): void => {
    results.push(...found);
    for (const result of found) printResult(latencyLine(result));
  };
  const loads = Object.entries(heavyLoads).filter(([load]) => wanted(`isolation, ${load}`));
  if (loads.length > 0) {
    const path = join(bench.folder, 'neighbour.raw');
    makeSource(path, neighbourBytes);
    const volume = await bench.firn.addVolume(path, neighbourBytes);
    const neighbour = { volume, path, bytes: neighbourBytes };
    for (const [name, load] of loads) {
      const runs = [];
      for (const timing of eachRound) {
        runs.push(await measureIsolation(bench, neighbour, load, timing));
      }
      add(isolationResults(name, runs));
    }
  }
  if (wanted('snapshot latency')) {
    const runs = [];
    for (const timing of eachRound) runs.push(await measureSnapshots(bench, timing));
    add(snapshotResults(runs));
  }
  return results;
}

async function versions(): Promise<string> {
  const first = async (command: string): Promise<string> =>
    (await run(command, ['--version'])).output.split('\n')[0] ?? '';
  const found = [await first('fio'), await first('qemu-nbd'), await first('nbdcopy')];
  return `Node ${process.version}, ${found.join(', ')}`;
}

async function bench(folder: string, firn: FirnServer): Promise<void> {
  const sourcePath = join(folder, 'source.raw');
  const peerPath = join(folder, 'peer.raw');
  makeSource(sourcePath, bytes);
  copyFileSync(sourcePath, peerPath);
  const volume = await firn.addVolume(sourcePath, bytes);
  const subject = { folder, firn, volume, sourcePath, peerPath, bytes };
  const rows = await measureRows(subject);
  const latencies = await measureLatencies(subject);
  const processors = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`;
  const command = ['npm run bench:nbd --', ...process.argv.slice(2)].join(' ');
  const about =
    `\`${command}\`, ${new Date().toISOString().slice(0, 10)}; ${processors}; ` +
    `${await versions()}; ${bytes / MiB} MiB of data; medians of ${rounds} rounds of ` +
    `${seconds} s; seed ${seed}; load average ${loadBefore} before the run.`;
  const text = markdown(about, rows, latencies);
  print(`\n${text}`);
  if (pattern !== undefined && values.save) keepSome(resultsPath, text);
  else if (values.save || (pattern === undefined && !quick && withPeer)) keep(resultsPath, text);
}

/** What is to be ended and removed, in reverse order, also when a signal ends the bench. */
const closers: (() => Promise<void>)[] = [];

let cleaning: Promise<void> | undefined;

/** Whoever asks second waits for the same end: the signal, or the work that it made fail. */
function cleanUp(): Promise<void> {
  cleaning ??= (async () => {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
  })();
  return cleaning;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void cleanUp().finally(() => process.exit(1)));
}
try {
  const folder = await mkdtemp(join(tmpdir(), 'firn-bench-nbd-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const firn = await startFirnServer(join(folder, 'firn'));
  closers.push(() => firn.close());
  await bench(folder, firn);
} finally {
  await cleanUp();
}
