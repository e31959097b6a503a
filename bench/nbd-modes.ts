/**
 * The peer's best mode for a row. Each kind of load is tried once in every mode, before its first
 * row is measured, and the fastest is what Firn is compared with.
 */
import { must } from '../src/base/assert.ts';
import { messageOf } from '../src/base/errors.ts';
import { type Bench, measureQemu, type Timing } from './nbd-measure.ts';
import { modeName, type QemuMode, qemuModes } from './nbd-qemu.ts';
import type { Row } from './nbd-rows.ts';

export class BestModes {
  readonly #bench: Bench;
  readonly #timing: Timing;
  readonly #found = new Map<string, QemuMode>();

  constructor(bench: Bench, timing: Timing) {
    this.#bench = bench;
    this.#timing = timing;
  }

  async of(row: Row): Promise<QemuMode> {
    const kind = kindOf(row);
    const known = this.#found.get(kind);
    if (known !== undefined) return known;
    const rates: { mode: QemuMode; rate: number }[] = [];
    for (const mode of qemuModes) {
      try {
        rates.push({ mode, rate: await measureQemu(this.#bench, row, mode, this.#timing) });
      } catch (error) {
        process.stderr.write(`qemu-nbd cannot ${modeName(mode)}: ${messageOf(error)}\n`);
      }
    }
    rates.sort((a, b) => b.rate - a.rate);
    const best = must(rates[0], 'a mode in which qemu-nbd works').mode;
    this.#found.set(kind, best);
    return best;
  }
}

/** Rows of one kind differ in what the server's access to its file has no part in. */
export function kindOf({ load, cache, afterSnapshot }: Row): string {
  const parts =
    load.tool === 'nbdcopy'
      ? [load.tool, load.direction]
      : [load.rw, load.depth * load.connections === 1 ? 'one' : 'many'];
  return [...parts, cache, load.flush === true, afterSnapshot].join(' ');
}
