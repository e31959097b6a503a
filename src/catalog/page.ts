/**
 * Pages of a list by keyset: the rows that follow the last row of the page before in sort order.
 *
 * Null sorts below every value in both databases. The order is total, because the id breaks ties.
 */
import { assert } from '../base/assert.ts';
import { columnOf, type Column, type Table } from './columns.ts';
import { allOf, anyOf, equals, never, type Predicate } from './conditions.ts';
import { encode } from './row-codec.ts';
import { join, quoted, sql, type Sql } from './sql.ts';

interface Order {
  readonly column: Column;
  readonly descending: boolean;
}

interface Key {
  readonly field: string;
  readonly direction: 'asc' | 'desc';
}

/** The total order that `sort` asks for; newest first when it asks for none. */
export function orderOf(table: Table, sort: readonly Key[] | undefined): readonly Order[] {
  const keys = sort === undefined || sort.length === 0 ? defaultSort(table) : sort;
  const orders = keys.map(({ field, direction }) => {
    const column = columnOf(table, field);
    assert(column.kind !== 'json' && column.kind !== 'metadata', `${field} can be sorted by`);
    return { column, descending: direction === 'desc' };
  });
  if (keys.some(({ field }) => field === 'id')) return orders;
  return [
    ...orders,
    { column: columnOf(table, 'id'), descending: keys.at(-1)?.direction === 'desc' },
  ];
}

function defaultSort(table: Table): readonly Key[] {
  const dated = table.columns.some(({ field }) => field === 'createdAt');
  return [{ field: dated ? 'createdAt' : 'id', direction: 'desc' }];
}

export function orderBy(orders: readonly Order[]): Sql {
  return join(
    orders.map(({ column, descending }) => {
      const name = quoted(column.sqlName);
      // Said for nullable columns only: PostgreSQL would otherwise not use the index.
      if (!column.nullable) return descending ? sql`${name} desc` : name;
      return descending ? sql`${name} desc nulls last` : sql`${name} asc nulls first`;
    }),
  );
}

/** Holds for the rows that come after `row`. */
export function follows(orders: readonly Order[], row: object): Predicate {
  const values = new Map<string, unknown>(Object.entries(row));
  const [first, ...rest] = orders;
  assert(first !== undefined, 'an order has a key');
  const value = values.get(first.column.field);
  const exact = beyondInTurn(first, rest, values);
  // Implied by the exact predicate, and in a form that bounds the walk over an index.
  const bound = boundOf(first, value);
  return bound === undefined ? exact : allOf([bound, exact]);
}

/**
 * The rows that come after `row`, in ranges that follow each other and of which each is one of an
 * index: where some values and null both follow, no index has them as one.
 */
export function rangesAfter(orders: readonly Order[], row: object): readonly Predicate[] {
  const [first] = orders;
  assert(first !== undefined, 'an order has a key');
  const after = follows(orders, row);
  if (!first.column.nullable) return [after];
  const name = quoted(first.column.sqlName);
  const value = new Map<string, unknown>(Object.entries(row)).get(first.column.field);
  const nothing = equals(first.column, null);
  if (value === null && !first.descending) {
    return [allOf([nothing, after]), sql`${name} is not null`];
  }
  if (value === null || !first.descending) return [after];
  return [allOf([compare(first, value, sql`<=`, sql`>=`), after]), nothing];
}

/** Undefined where the rows that follow are both some values and null: no index has that range. */
function boundOf(first: Order, value: unknown): Predicate | undefined {
  const { column, descending } = first;
  if (value === null) return descending ? equals(column, null) : undefined;
  if (column.nullable && descending) return undefined;
  return compare(first, value, sql`<=`, sql`>=`);
}

function beyondInTurn(
  first: Order,
  rest: readonly Order[],
  values: ReadonlyMap<string, unknown>,
): Predicate {
  const value = values.get(first.column.field);
  const [second, ...others] = rest;
  if (second === undefined) return beyond(first, value);
  const tied = allOf([equals(first.column, value), beyondInTurn(second, others, values)]);
  return anyOf([beyond(first, value), tied]);
}

function beyond(order: Order, value: unknown): Predicate {
  const { column, descending } = order;
  const name = quoted(column.sqlName);
  if (value === null) return descending ? never : sql`${name} is not null`;
  const strictly = compare(order, value, sql`<`, sql`>`);
  if (!column.nullable || !descending) return strictly;
  return anyOf([strictly, equals(column, null)]);
}

function compare(
  { column, descending }: Order,
  value: unknown,
  falling: Sql,
  rising: Sql,
): Predicate {
  const operator = descending ? falling : rising;
  return sql`${quoted(column.sqlName)} ${operator} ${encode(column, value)}`;
}
