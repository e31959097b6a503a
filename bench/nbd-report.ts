/** What the bench prints, and what it keeps. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Isolation, SnapshotFigures } from './nbd-latency.ts';
import { percentile } from './nbd-latency.ts';
import { inBytes } from './nbd-measure.ts';
import type { Row } from './nbd-rows.ts';

export interface RowResult {
  readonly row: Row;
  /** Rates, one of each round. */
  readonly firn: readonly number[];
  /** Undefined when only Firn was measured. */
  readonly qemu: { readonly rates: readonly number[]; readonly mode: string } | undefined;
}

/** A latency in milliseconds against its goal. */
export interface LatencyResult {
  readonly name: string;
  readonly value: string;
  readonly beside: string;
  readonly goal: string;
  readonly met: boolean;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

function rate(row: Row, value: number): string {
  return inBytes(row.load) ? `${(value / 1e6).toFixed(0)} MB/s` : `${value.toFixed(0)} IOPS`;
}

function cells({ row, firn, qemu }: RowResult): string[] {
  const ours = median(firn);
  if (qemu === undefined) return [row.name, rate(row, ours), '–', '–', '–', '–'];
  const peer = median(qemu.rates);
  const ratio = ours / peer;
  const verdict = ratio >= row.goal ? `${row.goal}×` : `${row.goal}×, not met`;
  return [row.name, rate(row, ours), rate(row, peer), qemu.mode, `${ratio.toFixed(2)}×`, verdict];
}

const widths = [54, 14, 14, 20, 7, 12];

/** One line for the screen. */
export function rowLine(result: RowResult): string {
  return cells(result)
    .map((cell, index) => {
      const width = widths[index] ?? 0;
      return index === 0 || index === 3 ? cell.padEnd(width) : cell.padStart(width);
    })
    .join('  ')
    .trimEnd();
}

export function latencyLine({ name, value, beside, goal, met }: LatencyResult): string {
  return `${name.padEnd(54)}  ${value}; ${beside}; goal ${goal}${met ? '' : ', not met'}`;
}

export function snapshotResults(runs: readonly SnapshotFigures[]): LatencyResult[] {
  const all = (of: (figures: SnapshotFigures) => number[]): number[] => runs.flatMap(of);
  const span = (values: readonly number[]): string =>
    `median ${ms(median(values))}, max ${ms(Math.max(...values))}`;
  const accepted = all((figures) => figures.accepted);
  const available = all((figures) => figures.available);
  const alone = median(all((figures) => figures.writerAlone));
  const during = median(all((figures) => figures.writerDuring));
  const under = 'under 4K writes, depth 16';
  const goalMs = 50;
  return [
    {
      name: `snapshot ${under}: POST`,
      value: span(accepted),
      beside: `${accepted.length} snapshots`,
      goal: `median < ${goalMs} ms`,
      met: median(accepted) < goalMs,
    },
    {
      name: `snapshot ${under}: until available`,
      value: span(available),
      beside: `${available.length} snapshots`,
      goal: `median < ${goalMs} ms`,
      met: median(available) < goalMs,
    },
    {
      name: 'the writer meanwhile, p99.9',
      value: ms(during),
      beside: `without snapshots ${ms(alone)}`,
      goal: 'none; reported',
      met: true,
    },
  ];
}

export function isolationResults(
  load: string,
  runs: readonly { idle: Isolation; loaded: Isolation }[],
): LatencyResult[] {
  const goal = 2;
  const one = (what: string, of: (isolation: Isolation) => { p50: number; p99: number }) => {
    const middle = (when: 'idle' | 'loaded', share: 'p50' | 'p99'): number =>
      median(runs.map((each) => of(each[when])[share]));
    const ratio = middle('loaded', 'p50') / middle('idle', 'p50');
    const both = (when: 'idle' | 'loaded'): string =>
      `${ms(middle(when, 'p50'))} (p99 ${ms(middle(when, 'p99'))})`;
    return {
      name: `${what} beside ${load}`,
      value: `${both('loaded')}, ${ratio.toFixed(2)}×`,
      beside: `idle ${both('idle')}`,
      goal: `median ≤ ${goal}× idle`,
      met: ratio <= goal,
    };
  };
  const peer = one('two qemu-nbd: 4K read', (isolation) => isolation.peerRead);
  return [
    one('GET volumes/detail', (isolation) => isolation.api),
    one('4K read of another volume', (isolation) => isolation.read),
    { ...peer, goal: 'none; for comparison', met: true },
  ];
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 3 : 1)} ms`;
}

/** Markdown of everything. */
export function markdown(
  about: string,
  rows: readonly RowResult[],
  latencies: readonly LatencyResult[],
): string {
  const line = (columns: readonly string[]): string => `| ${columns.join(' | ')} |`;
  const table =
    rows.length === 0
      ? []
      : [
          line(['row', 'Firn', 'qemu-nbd', 'its mode', 'Firn has', 'goal']),
          '|---|---:|---:|---|---:|---|',
          ...rows.map((result) => line(cells(result))),
          '',
        ];
  const second =
    latencies.length === 0
      ? []
      : [
          line(['latency', 'measured', 'beside', 'goal']),
          '|---|---|---|---|',
          ...latencies.map(({ name, value, beside, goal, met }) =>
            line([name, value, beside, met ? goal : `${goal}, not met`]),
          ),
          '',
        ];
  return [about, '', ...table, ...second].join('\n');
}

const marks = { begin: '<!-- measured: begin -->', end: '<!-- measured: end -->' };

/** Replaces what stands between the marks of the file, and nothing else. */
export function keep(path: string, text: string): void {
  const before = existsSync(path) ? readFileSync(path, 'utf8') : '# Volumes beside qemu-nbd\n';
  const section = `${marks.begin}\n\n${text}\n${marks.end}`;
  const start = before.indexOf(marks.begin);
  const end = before.indexOf(marks.end);
  const after =
    start === -1 || end === -1
      ? `${before}\n${section}\n`
      : before.slice(0, start) + section + before.slice(end + marks.end.length);
  writeFileSync(path, after);
}

/** Replaces the lines of these rows in the file, and what is said about the run; adds none. */
export function keepSome(path: string, text: string): void {
  const nameOf = (line: string): string | undefined => /^\| ([^|]+) \|/.exec(line)?.[1];
  const fresh = new Map(text.split('\n').map((line) => [nameOf(line), line]));
  const [about = ''] = text.split('\n');
  const kept = readFileSync(path, 'utf8').split('\n');
  const lines = kept.map((line, index) => {
    if (kept[index - 2] === marks.begin) return about;
    return fresh.get(nameOf(line) ?? '') ?? line;
  });
  writeFileSync(path, lines.join('\n'));
}
