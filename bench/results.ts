import { must } from '../src/base/assert.ts';
import { GiB, MiB } from '../src/base/bytes.ts';
import type { Image, Step } from './contender.ts';

/** The measured steps of one contender, by the step's name. */
export type Results = Map<string, Step[]>;

const stepNames: Record<string, string> = {
  full: 'full backup',
  incremental: 'backup after 1 % random 4 KiB writes',
  next: 'the next one, after another 1 %',
  unchanged: 'backup with no change',
  restore: 'restore',
  snapshot: 'snapshot',
};

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return must(sorted[Math.floor(sorted.length / 2)], 'at least one value');
}

/** Markdown: for every step each contender's medians, and Firn's time as a ratio of the peer's. */
export function resultsTable(
  all: ReadonlyMap<string, Results>,
  run: { machine: string; image: Image; rounds: number; seed: number; changedShare: number },
): string {
  const { image } = run;
  const lines = [
    `${new Date().toISOString().slice(0, 10)}; ${run.machine}; image of ` +
      `${image.lengthBytes / GiB} GiB with ${Math.round(image.dataBytes / MiB)} MiB of data; ` +
      `medians of ${run.rounds}; seed ${run.seed}; page cache warm.`,
    '',
    '| step | contender | seconds | MB/s of data | peak MiB | stored MiB | Firn takes |',
    '|---|---|---:|---:|---:|---:|---:|',
  ];
  const ours = must(all.get('Firn'), 'Firn took part');
  for (const [step, title] of Object.entries(stepNames)) {
    const firn = ours.get(step);
    for (const [name, results] of all) {
      const steps = results.get(step);
      if (steps !== undefined && firn !== undefined) {
        lines.push(row(title, name, steps, { firn, image, isOurs: results === ours }));
      }
    }
  }
  return `${lines.join('\n')}\n`;
}

function row(
  title: string,
  name: string,
  steps: readonly Step[],
  context: { firn: readonly Step[]; image: Image; isOurs: boolean },
): string {
  const seconds = median(steps.map((step) => step.seconds));
  const ratio = median(context.firn.map((step) => step.seconds)) / seconds;
  const peakBytes = median(steps.map((step) => step.peakBytes));
  const cells = [
    title,
    name,
    seconds.toFixed(seconds < 1 ? 3 : 1),
    title === stepNames['snapshot'] ? '–' : (context.image.dataBytes / 1e6 / seconds).toFixed(0),
    peakBytes === 0 ? '–' : (peakBytes / MiB).toFixed(0),
    (median(steps.map((step) => step.storedBytes)) / MiB).toFixed(0),
    context.isOurs ? '' : `${ratio.toFixed(ratio < 0.1 ? 3 : 2)}×`,
  ];
  return `| ${cells.join(' | ')} |`;
}
