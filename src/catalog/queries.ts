import { sql, type Kysely, type RawBuilder } from 'kysely';
import { assert } from '../base/assert.ts';
import type { CatalogWriter, ListQuery, Picked, PickQuery, Where } from './catalog.ts';
import { type Column, columnOf, tableOf, type Table } from './columns.ts';
import { allOf, type Predicate, predicateOf } from './conditions.ts';
import { follows, orderBy, orderOf, rangesAfter } from './page.ts';
import { decodeColumns, decodeRow, encode, type SqlRow } from './row-codec.ts';
import type { Row, TableName } from './tables.ts';
import type { Words } from './words.ts';

const pageCountMax = 1000;

/**
 * The catalogue's statements, one a method, over one connection or transaction of either database.
 */
export class Queries implements CatalogWriter {
  readonly #database: Kysely<unknown>;
  readonly #words: Words;

  constructor(database: Kysely<unknown>, words: Words) {
    this.#database = database;
    this.#words = words;
  }

  async find<T extends TableName>(table: T, where: Where<T>): Promise<Row<T> | undefined> {
    const [row] = await this.list(table, { where, limit: 1 });
    return row;
  }

  async list<T extends TableName>(name: T, query: ListQuery<T>): Promise<Row<T>[]> {
    const { limit, offset = 0 } = query;
    checkLimit(limit);
    assert(Number.isSafeInteger(offset) && offset >= 0, 'offset is a whole number');
    const table = tableOf(name);
    const orders = orderOf(table, query.sort);
    const wanted = predicateOf(table, query.where, this.#words);
    const rows: SqlRow[] = [];
    for (const range of rangesOf(orders, query)) {
      if (rows.length === limit) break;
      const found = await this.#rows(sql`
        select ${columnsOf(table)} from ${sql.table(table.sqlName)}
        where ${range === undefined ? wanted : allOf([wanted, range])}
        order by ${orderBy(orders)}
        limit ${limit - rows.length} offset ${offset}
      `);
      rows.push(...found);
    }
    return rows.map((row) => decodeRow<T>(table, row));
  }

  async pick<T extends TableName, F extends keyof Row<T> & string>(
    name: T,
    fields: readonly F[],
    { where, limit, after }: PickQuery<T>,
  ): Promise<Picked<T, F>[]> {
    checkLimit(limit);
    const table = tableOf(name);
    const columns = ['id', ...fields].map((field) => columnOf(table, field));
    const predicates = [predicateOf(table, where, this.#words)];
    if (after !== undefined) predicates.push(sql<boolean>`id > ${after}`);
    const rows = await this.#rows(sql`
      select ${namesOf(columns)} from ${sql.table(table.sqlName)}
      where ${allOf(predicates)} order by id limit ${limit}
    `);
    return rows.map((row) => decodeColumns(columns, row) as Picked<T, F>);
  }

  async count<T extends TableName>(name: T, where: Where<T>): Promise<number> {
    const table = tableOf(name);
    const [row] = await this.#rows(sql`
      select count(*) as answer from ${sql.table(table.sqlName)}
      where ${predicateOf(table, where, this.#words)}
    `);
    return Number(row?.['answer']);
  }

  async sum<T extends TableName>(
    name: T,
    field: keyof Row<T> & string,
    where: Where<T>,
  ): Promise<number> {
    const table = tableOf(name);
    const column = columnOf(table, field);
    assert(column.kind === 'integer', `${field} is a number`);
    const [row] = await this.#rows(sql`
      select coalesce(sum(${sql.ref(column.sqlName)}), 0) as answer from ${sql.table(table.sqlName)}
      where ${predicateOf(table, where, this.#words)}
    `);
    return Number(row?.['answer']);
  }

  async insert<T extends TableName>(name: T, row: Row<T>): Promise<void> {
    const table = tableOf(name);
    const fields = new Map<string, unknown>(Object.entries(row));
    assert(fields.size === table.columns.length, `a row of ${name} has its fields and no others`);
    const values = table.columns.map((column) => encode(column, fields.get(column.field)));
    await this.#rows(sql`
      insert into ${sql.table(table.sqlName)} (${columnsOf(table)}) values (${sql.join(values)})
    `);
  }

  async change<T extends TableName>(
    name: T,
    where: Where<T>,
    changes: Partial<Row<T>>,
  ): Promise<Row<T> | undefined> {
    const table = tableOf(name);
    const assignments = Object.entries(changes).map(([field, value]: [string, unknown]) => {
      const column = columnOf(table, field);
      assert(field !== 'id', 'an id never changes');
      return sql`${sql.ref(column.sqlName)} = ${encode(column, value)}`;
    });
    assert(assignments.length > 0, 'a change changes something');
    const rows = await this.#rows(sql`
      update ${sql.table(table.sqlName)} set ${sql.join(assignments)}
      where ${predicateOf(table, where, this.#words)}
      returning ${columnsOf(table)}
    `);
    assert(rows.length <= 1, `a change of ${name} matches one row`);
    const [row] = rows;
    return row === undefined ? undefined : decodeRow<T>(table, row);
  }

  async remove<T extends TableName>(name: T, where: Where<T>): Promise<number> {
    const table = tableOf(name);
    const statement = sql`
      delete from ${sql.table(table.sqlName)} where ${predicateOf(table, where, this.#words)}
    `;
    const result = await statement.execute(this.#database);
    return Number(result.numAffectedRows ?? 0);
  }

  async #rows(statement: RawBuilder<unknown>): Promise<SqlRow[]> {
    const result = await statement.execute(this.#database);
    return result.rows as SqlRow[];
  }
}

/** What a list is read in; with an offset in one piece, as rows of all ranges are passed over. */
function rangesOf(
  orders: ReturnType<typeof orderOf>,
  { after, offset = 0 }: { readonly after?: object; readonly offset?: number },
): readonly (Predicate | undefined)[] {
  if (after === undefined) return [undefined];
  return offset === 0 ? rangesAfter(orders, after) : [follows(orders, after)];
}

function checkLimit(limit: number): void {
  const isLimit = Number.isSafeInteger(limit) && limit >= 1 && limit <= pageCountMax;
  assert(isLimit, 'limit is 1 to 1,000');
}

const columnLists = new WeakMap<Table, RawBuilder<unknown>>();

/** All columns of a table, as one piece of text: there are many of them in every statement. */
function columnsOf(table: Table): RawBuilder<unknown> {
  const known = columnLists.get(table);
  if (known !== undefined) return known;
  const list = namesOf(table.columns);
  columnLists.set(table, list);
  return list;
}

function namesOf(columns: readonly Column[]): RawBuilder<unknown> {
  return sql.raw(columns.map(({ sqlName }) => `"${sqlName}"`).join(', '));
}
