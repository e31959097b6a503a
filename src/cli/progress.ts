/** How far something is: one line that rewrites itself on a terminal, some lines elsewhere. */
import { formatBytes } from '../base/bytes.ts';
import { monotonicMs } from '../base/clock.ts';
import type { Output } from './context.ts';

const barCells = 30;

/** Without a terminal a line is due after so much time. */
const linePauseMs = 5000;

export class Progress {
  readonly #output: Output;
  readonly #what: string;
  readonly #startMs = monotonicMs();
  #lastLineMs = -Infinity;
  #last = '';
  #written = '';

  constructor(output: Output, what: string) {
    this.#output = output;
    this.#what = what;
  }

  /** `bytesTotal` is undefined while it is not known; the rate is that since the start. */
  show(bytesDone: number, bytesTotal: number | undefined): void {
    const seconds = (monotonicMs() - this.#startMs) / 1000;
    const perSecond = seconds > 0.5 ? bytesDone / seconds : 0;
    const rate = perSecond > 0 ? `  ${formatBytes(perSecond)}/s` : '';
    const amount =
      bytesTotal === undefined
        ? formatBytes(bytesDone)
        : `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`;
    const left = leftText(bytesDone, bytesTotal, perSecond);
    this.#line(`${shareOf(bytesDone, bytesTotal, this.#isTerminal)}${amount}${rate}${left}`);
  }

  /** Says a word instead of an amount, such as a status. */
  say(word: string): void {
    this.#line(word);
  }

  /** Leaves the last state on the screen. */
  end(): void {
    if (this.#isTerminal) this.#output.write('\n');
    else if (this.#last !== this.#written) this.#output.write(`${this.#last}\n`);
  }

  get #isTerminal(): boolean {
    return this.#output.isTTY === true;
  }

  #line(text: string): void {
    const line = `${this.#what}: ${text}`;
    this.#last = line;
    if (line === this.#written) return;
    if (this.#isTerminal) {
      this.#output.write(`\r\u001b[K${line.slice(0, (this.#output.columns ?? 80) - 1)}`);
    } else {
      if (monotonicMs() - this.#lastLineMs < linePauseMs) return;
      this.#output.write(`${line}\n`);
      this.#lastLineMs = monotonicMs();
    }
    this.#written = line;
  }
}

function leftText(done: number, total: number | undefined, perSecond: number): string {
  if (total === undefined || perSecond === 0 || done >= total) return '';
  const seconds = Math.ceil((total - done) / perSecond);
  return seconds < 120 ? `  ${seconds} s left` : `  ${Math.ceil(seconds / 60)} min left`;
}

function shareOf(bytesDone: number, bytesTotal: number | undefined, withBar: boolean): string {
  if (bytesTotal === undefined || bytesTotal === 0) return '';
  const share = Math.min(bytesDone / bytesTotal, 1);
  const percent = `${String(Math.floor(share * 100)).padStart(3)} %  `;
  if (!withBar) return percent.trimStart();
  const full = Math.round(share * barCells);
  return `${'█'.repeat(full)}${'░'.repeat(barCells - full)} ${percent}`;
}
