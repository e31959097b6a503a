import { type BlockTable, marks } from './block-table.ts';
import { hexOf } from './block.ts';

/** What a run of verify remembers of the blocks and nodes that it has checked. */
export interface VerifyMemory {
  isGood(id: Uint8Array): boolean;
  isBad(id: Uint8Array): boolean;
  noteGood(id: Uint8Array): void;
  noteBad(id: Uint8Array): void;
}

/** For all backups: marks in the table of blocks, which one run at a time may use. */
export class TableMemory implements VerifyMemory {
  readonly #table: BlockTable;

  constructor(table: BlockTable) {
    this.#table = table;
    table.clearMarks(marks.good);
    table.clearMarks(marks.bad);
  }

  isGood(id: Uint8Array): boolean {
    return this.#table.isMarked(marks.good, id);
  }

  isBad(id: Uint8Array): boolean {
    return this.#table.isMarked(marks.bad, id);
  }

  noteGood(id: Uint8Array): void {
    this.#table.mark(marks.good, id);
  }

  noteBad(id: Uint8Array): void {
    this.#table.mark(marks.bad, id);
  }
}

/** For one backup, beside any other run: what is bad alone, as little is there twice. */
export class BackupMemory implements VerifyMemory {
  readonly #bad = new Set<string>();

  isGood(): boolean {
    return false;
  }

  isBad(id: Uint8Array): boolean {
    return this.#bad.size > 0 && this.#bad.has(hexOf(id));
  }

  noteGood(): void {
    // It is read again where the backup has it again.
  }

  noteBad(id: Uint8Array): void {
    this.#bad.add(hexOf(id));
  }
}
