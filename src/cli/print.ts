/** Results on standard output: tables for people, JSON with `--json`. */
import type { Command } from 'commander';
import type { Context, Output } from './context.ts';

type Cell = string | number | boolean | null | undefined;

/** Heading → what stands in the column. */
export type Columns<T> = Readonly<Record<string, (item: T) => Cell>>;

/** True with `--json`. */
export function wantsJson(command: Command): boolean {
  return command.optsWithGlobals<{ json?: boolean }>().json === true;
}

/** Prints a value as JSON. */
export function printJson(output: Output, value: unknown): void {
  output.write(`${JSON.stringify(value, null, 2)}\n`);
}

function textOf(cell: Cell): string {
  if (cell === null || cell === undefined || cell === '') return '-';
  // A name may hold what would move the cursor or forge another line.
  return String(cell).replaceAll(/\p{C}/gu, '�');
}

/** A row for each item; the JSON form is the items themselves. */
export function printList<T>(
  { stdout }: Context,
  command: Command,
  columns: Columns<T>,
  items: readonly T[],
): void {
  if (wantsJson(command)) {
    printJson(stdout, items);
    return;
  }
  const headings = Object.keys(columns).map((heading) => heading.toUpperCase());
  const rows = items.map((item) => Object.values(columns).map((cell) => textOf(cell(item))));
  printAligned(stdout, [headings, ...rows]);
}

/** A line for each column of one item; the JSON form is the item itself. */
export function printItem<T>(
  { stdout }: Context,
  command: Command,
  columns: Columns<T>,
  item: T,
): void {
  if (wantsJson(command)) {
    printJson(stdout, item);
    return;
  }
  printAligned(
    stdout,
    Object.entries(columns).map(([heading, cell]) => [heading, textOf(cell(item))]),
  );
}

/** Prints rows of cells in columns. */
export function printAligned(output: Output, rows: readonly string[][]): void {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    }
  }
  for (const row of rows) {
    const line = row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ');
    output.write(`${line.trimEnd()}\n`);
  }
}
