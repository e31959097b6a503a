import { assert } from '../base/assert.ts';
import type {
  CatalogWriter,
  ListQuery,
  Picked,
  PickQuery,
  Total,
  TotalsQuery,
  Where,
} from './catalog.ts';
import { type Column, columnOf, tableOf, type Table } from './columns.ts';
import { allOf, type Predicate, predicateOf } from './conditions.ts';
import { follows, orderBy, orderOf, rangesAfter } from './page.ts';
import { decodeColumns, decodeRow, encode, type SqlRow } from './row-codec.ts';
import { join, literal, quoted, sql, type Sql, type SqlConnection } from './sql.ts';
import type { Row, TableName } from './tables.ts';
import type { Words } from './words.ts';

const pageCountMax = 1000;
const nothing = sql``;

/**
 * The catalogue's statements, one a method, over one connection or transaction of either database.
 */
export class Queries implements CatalogWriter {
  readonly #connection: SqlConnection;
  readonly #words: Words;

  constructor(connection: SqlConnection, words: Words) {
    this.#connection = connection;
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
        select ${columnsOf(table)} from ${quoted(table.sqlName)}
        where ${range === undefined ? wanted : allOf([wanted, range])}
        order by ${orderBy(orders)}
        limit ${literal(limit - rows.length)}${offset === 0 ? nothing : sql` offset ${offset}`}
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
    if (after !== undefined) predicates.push(sql`id > ${after}`);
    const rows = await this.#rows(sql`
      select ${namesOf(columns)} from ${quoted(table.sqlName)}
      where ${allOf(predicates)} order by id limit ${literal(limit)}
    `);
    return rows.map((row) => decodeColumns(columns, row) as Picked<T, F>);
  }

  async count<T extends TableName>(name: T, where: Where<T>): Promise<number> {
    const table = tableOf(name);
    const [row] = await this.#rows(sql`
      select count(*) as answer from ${quoted(table.sqlName)}
      where ${predicateOf(table, where, this.#words)}
    `);
    return Number(row?.[0]);
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
      select coalesce(sum(${quoted(column.sqlName)}), 0) as answer from ${quoted(table.sqlName)}
      where ${predicateOf(table, where, this.#words)}
    `);
    return Number(row?.[0]);
  }

  async totals<T extends TableName>(
    name: T,
    by: keyof Row<T> & string,
    { where, sum, limit, after }: TotalsQuery<T>,
  ): Promise<Total[]> {
    checkLimit(limit);
    const table = tableOf(name);
    const [text, number] = [columnOf(table, by), columnOf(table, sum)];
    assert(text.kind === 'text' && !text.nullable, `${by} is a text that every row has`);
    assert(number.kind === 'integer', `${sum} is a number`);
    const key = quoted(text.sqlName);
    const predicates = [predicateOf(table, where, this.#words)];
    if (after !== undefined) predicates.push(sql`${key} > ${after}`);
    const rows = await this.#rows(sql`
      select ${key}, count(*), coalesce(sum(${quoted(number.sqlName)}), 0)
      from ${quoted(table.sqlName)}
      where ${allOf(predicates)} group by ${key} order by ${key} limit ${literal(limit)}
    `);
    return rows.map((row) => ({
      of: String(row[0]),
      count: Number(row[1]),
      sum: Number(row[2]),
    }));
  }

  async insert<T extends TableName>(name: T, row: Row<T>): Promise<void> {
    const table = tableOf(name);
    const fields = new Map<string, unknown>(Object.entries(row));
    assert(fields.size === table.columns.length, `a row of ${name} has its fields and no others`);
    const values = table.columns.map((column) => encode(column, fields.get(column.field)));
    await this.#rows(sql`
      insert into ${quoted(table.sqlName)} (${columnsOf(table)}) values (${join(values)})
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
      return sql`${quoted(column.sqlName)} = ${encode(column, value)}`;
    });
    assert(assignments.length > 0, 'a change changes something');
    const rows = await this.#rows(sql`
      update ${quoted(table.sqlName)} set ${join(assignments)}
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
      delete from ${quoted(table.sqlName)} where ${predicateOf(table, where, this.#words)}
    `;
    return (await this.#connection.run(statement)).changedCount;
  }

  async #rows(statement: Sql): Promise<readonly SqlRow[]> {
    return (await this.#connection.run(statement)).rows;
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

const columnLists = new WeakMap<Table, Sql>();

/** All columns of a table, as one piece of text: there are many of them in every statement. */
function columnsOf(table: Table): Sql {
  const known = columnLists.get(table);
  if (known !== undefined) return known;
  const list = namesOf(table.columns);
  columnLists.set(table, list);
  return list;
}

function namesOf(columns: readonly Column[]): Sql {
  return join(columns.map(({ sqlName }) => quoted(sqlName)));
}
