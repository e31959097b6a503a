/** Pages of lists, as Block Storage and Firn v1 give them. */
import type { QueryValues } from './http.ts';

export const pageSize = 20;

/** The part of the URL that a table is made from. */
export interface ListQuery {
  /** From 1. */
  readonly page: number;
  /** `key:asc` or `key:desc`; newest first without. */
  readonly sort?: string | undefined;
  /** A part of the name. */
  readonly filter?: string | undefined;
  readonly where?: QueryValues;
}

export interface Page<R> {
  readonly items: readonly R[];
  /** Of all pages. */
  readonly count: number;
}

export function queryOf(list: ListQuery): QueryValues {
  return {
    ...list.where,
    limit: pageSize,
    offset: (list.page - 1) * pageSize,
    sort: list.sort ?? 'created_at:desc',
    with_count: true,
    ...(list.filter === undefined || list.filter === '' ? {} : { 'name~': list.filter }),
  };
}

/** One page of rows that are all there, for lists that the API does not page. */
export function pageOf<R>(
  rows: readonly R[],
  list: ListQuery,
  keyOf: (row: R, key: string) => string | number,
): Page<R> {
  const filter = list.filter?.toLowerCase() ?? '';
  const kept = rows.filter((row) => String(keyOf(row, 'name')).toLowerCase().includes(filter));
  const [key = '', direction] = (list.sort ?? '').split(':');
  const sorted = key === '' ? kept : kept.toSorted((a, b) => compare(keyOf(a, key), keyOf(b, key)));
  if (direction === 'desc') sorted.reverse();
  const first = (list.page - 1) * pageSize;
  return { items: sorted.slice(first, first + pageSize), count: sorted.length };
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b));
}
