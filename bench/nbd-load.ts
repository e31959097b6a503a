/** The clients of a row: fio with its NBD engine, or nbdcopy. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { must } from '../src/base/assert.ts';
import { KiB, MiB } from '../src/base/bytes.ts';
import { OperatingError } from '../src/base/errors.ts';
import { isJsonObject, type JsonObject } from '../src/base/json.ts';
import { run } from './command.ts';

export interface FioLoad {
  readonly tool: 'fio';
  readonly rw: 'randread' | 'randwrite' | 'read' | 'write';
  readonly blockBytes: number;
  /** Requests under way at once, of each connection. */
  readonly depth: number;
  readonly connections: number;
  /** A flush after every write. */
  readonly flush?: boolean;
}

/** `out`: from the volume into nothing; `in`: from a file into the volume. */
export interface CopyLoad {
  readonly tool: 'nbdcopy';
  readonly direction: 'out' | 'in';
  /** The copy ends with a flush. */
  readonly flush: boolean;
}

export type Load = FioLoad | CopyLoad;

export interface FioRun {
  readonly uri: string;
  /** The part of the volume, from its start, that is used. */
  readonly bytes: number;
  readonly seconds: number;
  readonly seed: number;
  /** Ends early rather than touch a byte twice: what was cold would be hot by then. */
  readonly once?: boolean;
}

export interface FioFigures {
  readonly iops: number;
  readonly bytesPerSecond: number;
  /** Completion latencies in microseconds. */
  readonly latencyUs: { readonly p50: number; readonly p99: number; readonly p999: number };
}

/** A client that does not come back is a failure of its server. */
const secondsMax = 120;

export async function runFio(load: FioLoad, options: FioRun): Promise<FioFigures> {
  const { output } = await run('timeout', [String(secondsMax), 'fio', ...fioArgs(load, options)]);
  const start = output.indexOf('{');
  const report: unknown = JSON.parse(output.slice(start, output.lastIndexOf('}') + 1));
  const jobs = isJsonObject(report) && Array.isArray(report['jobs']) ? report['jobs'] : [];
  const job: unknown = jobs[0];
  const direction = load.rw.endsWith('read') ? 'read' : 'write';
  const figures = isJsonObject(job) ? job[direction] : undefined;
  if (!isJsonObject(figures)) throw new OperatingError('io', `fio said: ${output}`);
  const latency = objectAt(figures, 'clat_ns');
  const percentile = (name: string): number =>
    numberAt(objectAt(latency, 'percentile'), name) / 1000;
  return {
    iops: numberAt(figures, 'iops'),
    bytesPerSecond: numberAt(figures, 'bw_bytes'),
    latencyUs: {
      p50: percentile('50.000000'),
      p99: percentile('99.000000'),
      p999: percentile('99.900000'),
    },
  };
}

/** A load has settled after this time. */
const settleMs = 500;

/** Does `work` while fio puts a load on the server, and ends fio then. */
export async function underLoad<R>(
  load: FioLoad,
  options: Omit<FioRun, 'seconds'>,
  work: () => Promise<R>,
): Promise<R> {
  const args = fioArgs(load, { ...options, seconds: secondsMax });
  const child = spawn('timeout', [String(secondsMax), 'fio', ...args], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  try {
    await sleep(settleMs);
    const result = await work();
    if (child.exitCode !== null) {
      throw new OperatingError('io', `the load ended before its time with ${child.exitCode}`);
    }
    return result;
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

function fioArgs(load: FioLoad, { uri, bytes, seconds, seed, once = false }: FioRun): string[] {
  const sequential = !load.rw.startsWith('rand');
  const share = Math.floor(bytes / load.connections / MiB) * MiB;
  return [
    '--name=bench',
    '--ioengine=nbd',
    `--uri=${uri}`,
    `--rw=${load.rw}`,
    `--bs=${load.blockBytes}`,
    `--iodepth=${load.depth}`,
    `--numjobs=${load.connections}`,
    '--thread',
    '--group_reporting',
    ...(once ? [] : ['--time_based']),
    `--runtime=${Math.round(seconds * 1000)}ms`,
    ...(sequential ? [`--size=${share}`, `--offset_increment=${share}`] : [`--size=${bytes}`]),
    ...(load.flush === true ? ['--fsync=1'] : []),
    `--randseed=${seed}`,
    '--output-format=json',
  ];
}

/** Copies all of a volume, or a file into it; the wall time in seconds. */
export async function runCopy(load: CopyLoad, uri: string, path: string): Promise<number> {
  const args = load.direction === 'out' ? [uri, 'null:'] : [path, uri];
  const flush = load.flush ? ['--flush'] : [];
  const { seconds } = await run('timeout', [String(secondsMax), 'nbdcopy', ...flush, ...args]);
  return seconds;
}

/** The load in words, as a row is named after it. */
export function describeLoad(load: Load): string {
  if (load.tool === 'nbdcopy') {
    return load.direction === 'out'
      ? 'nbdcopy volume → null'
      : `nbdcopy file → volume${load.flush ? ' with flush' : ''}`;
  }
  const order = load.rw.startsWith('rand') ? 'rand' : 'seq';
  const direction = load.rw.endsWith('read') ? 'read' : 'write';
  const block = load.blockBytes >= MiB ? `${load.blockBytes / MiB}M` : `${load.blockBytes / KiB}K`;
  const flush = load.flush === true ? ' fsync' : '';
  return `${order} ${direction}${flush} ${block}, depth ${load.depth}, ${load.connections} conn`;
}

function objectAt(value: JsonObject, name: string): JsonObject {
  const found = value[name];
  return must(isJsonObject(found) ? found : undefined, `${name} in what fio reports`);
}

function numberAt(value: JsonObject, name: string): number {
  const found = value[name];
  return must(typeof found === 'number' ? found : undefined, `${name} in what fio reports`);
}
