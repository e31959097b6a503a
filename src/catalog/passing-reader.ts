import type {
  CatalogReader,
  ListQuery,
  Picked,
  PickQuery,
  Total,
  TotalsQuery,
  Where,
} from './catalog.ts';
import type { Row, TableName } from './tables.ts';

/** Passes on what is asked; what wraps a catalogue's writes begins here. */
export class PassingReader implements CatalogReader {
  readonly #reader: CatalogReader;

  constructor(reader: CatalogReader) {
    this.#reader = reader;
  }

  find<T extends TableName>(table: T, where: Where<T>): Promise<Row<T> | undefined> {
    return this.#reader.find(table, where);
  }

  list<T extends TableName>(table: T, query: ListQuery<T>): Promise<Row<T>[]> {
    return this.#reader.list(table, query);
  }

  pick<T extends TableName, F extends keyof Row<T> & string>(
    table: T,
    fields: readonly F[],
    query: PickQuery<T>,
  ): Promise<Picked<T, F>[]> {
    return this.#reader.pick(table, fields, query);
  }

  count<T extends TableName>(table: T, where: Where<T>): Promise<number> {
    return this.#reader.count(table, where);
  }

  sum<T extends TableName>(
    table: T,
    field: keyof Row<T> & string,
    where: Where<T>,
  ): Promise<number> {
    return this.#reader.sum(table, field, where);
  }

  totals<T extends TableName>(
    table: T,
    by: keyof Row<T> & string,
    query: TotalsQuery<T>,
  ): Promise<Total[]> {
    return this.#reader.totals(table, by, query);
  }
}
