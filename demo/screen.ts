/**
 * What the demo shows: steps, a progress bar, a table. Plain text where the output is no terminal.
 */
import { formatBytes } from '../src/base/bytes.ts';

const terminal = process.stdout.isTTY;
const barWidth = 32;

const bold = (text: string): string => (terminal ? `\u001B[1m${text}\u001B[0m` : text);
const dim = (text: string): string => (terminal ? `\u001B[2m${text}\u001B[0m` : text);

export function title(text: string): void {
  process.stdout.write(`\n${bold(text)}\n`);
}

export function line(text: string): void {
  process.stdout.write(`  ${text}\n`);
}

export function note(text: string): void {
  process.stdout.write(`  ${dim(text)}\n`);
}

export interface Progress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly seconds: number;
}

/** Draws over itself on a terminal; elsewhere says only when a further quarter is done. */
export class ProgressBar {
  readonly #label: string;
  #quarters = 0;

  constructor(label: string) {
    this.#label = label;
  }

  draw({ bytesDone, bytesTotal, seconds }: Progress): void {
    const share = bytesTotal === 0 ? 0 : Math.min(1, bytesDone / bytesTotal);
    const filled = Math.round(share * barWidth);
    const rate = seconds > 0 ? `${formatBytes(bytesDone / seconds)}/s` : '';
    const text =
      `  ${this.#label} [${'█'.repeat(filled)}${'·'.repeat(barWidth - filled)}] ` +
      `${String(Math.round(share * 100)).padStart(3)} %  ` +
      `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}  ${rate}`;
    if (terminal) process.stdout.write(`\r\u001B[K${text}`);
    else if (share * 4 >= this.#quarters + 1) {
      this.#quarters = Math.floor(share * 4);
      process.stdout.write(`${text}\n`);
    }
  }

  end(): void {
    if (terminal) process.stdout.write('\r\u001B[K');
  }
}

/** A table with its first column on the left and all others on the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const format = (row: readonly string[]): string =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('   ');
  process.stdout.write('\n');
  line(bold(format(head)));
  line(dim(widths.map((width) => '─'.repeat(width)).join('───')));
  for (const row of rows) line(format(row));
}
