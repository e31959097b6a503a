import { setImmediate } from 'node:timers/promises';
import type { CatalogReader, Picked, SortKey, Where } from './catalog.ts';
import type { Row, TableName } from './tables.ts';

const pageRows = 1000;

/**
 * All rows that match, in the order of their ids, read page by page. Rows that are changed or
 * removed meanwhile do not disturb it.
 */
export async function* everyRow<T extends TableName>(
  reader: CatalogReader,
  table: T,
  where: Where<T>,
): AsyncGenerator<Row<T>, undefined> {
  const sort: SortKey<T>[] = [{ field: 'id', direction: 'asc' }];
  let after: Row<T> | undefined;
  for (;;) {
    const rows = await reader.list(table, {
      where,
      sort,
      limit: pageRows,
      ...(after === undefined ? {} : { after }),
    });
    yield* rows;
    after = rows.at(-1);
    if (rows.length < pageRows) return undefined;
  }
}

/**
 * Some fields of all rows that match, and their ids, as `everyRow` has whole rows. It is for very
 * many: others get their turn between two pages.
 */
export async function* everyPick<T extends TableName, F extends keyof Row<T> & string>(
  reader: CatalogReader,
  table: T,
  fields: readonly F[],
  where: Where<T>,
): AsyncGenerator<Picked<T, F>, undefined> {
  let after: string | undefined;
  for (;;) {
    const query = { where, limit: pageRows, ...(after === undefined ? {} : { after }) };
    const rows = await reader.pick(table, fields, query);
    yield* rows;
    after = rows.at(-1)?.id;
    if (rows.length < pageRows) return undefined;
    await setImmediate();
  }
}
