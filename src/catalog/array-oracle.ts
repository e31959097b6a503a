/** The meaning of a query, over a plain array: what the tests compare the databases with. */
import { assert } from '../base/assert.ts';
import { everyProject, type SortKey, type Total, type Where } from './catalog.ts';
import type { VolumeRow } from './tables.ts';

export type VolumeWhere = Where<'volumes'>;
const every = { projectId: everyProject } as const;

export type VolumeSort = readonly SortKey<'volumes'>[];

export function matches(row: VolumeRow, where: VolumeWhere): boolean {
  return Object.entries(where).every(([field, condition]: [string, unknown]) => {
    if (field === 'projectId' && condition === everyProject) return true;
    if (field === 'anyOf')
      return where.anyOf?.some((fields) => matches(row, { ...every, ...fields }));
    const value = new Map<string, unknown>(Object.entries(row)).get(field);
    if (field === 'metadata') return holds(row.metadata, condition as object);
    return fits(value, condition);
  });
}

function holds(metadata: object, wanted: object): boolean {
  const entries = new Map<string, unknown>(Object.entries(metadata));
  return Object.entries(wanted).every(([key, value]) => entries.get(key) === value);
}

function fits(value: unknown, condition: unknown): boolean {
  if (Array.isArray(condition)) return condition.includes(value);
  if (typeof condition !== 'object' || condition === null) return value === condition;
  return Object.entries(condition).every(([operator, other]: [string, unknown]) => {
    if (operator === 'not') return value !== other;
    if (value === null) return false;
    if (operator === 'like') return asciiLower(value).includes(asciiLower(other));
    const order = compareValues(value, other);
    if (operator === 'above') return order > 0;
    if (operator === 'below') return order < 0;
    return operator === 'atLeast' ? order >= 0 : order <= 0;
  });
}

function asciiLower(text: unknown): string {
  assert(typeof text === 'string', 'only texts are compared by `like`');
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Null first, then by number, or by the bytes of UTF-8. */
function compareValues(left: unknown, right: unknown): number {
  if (left === null || right === null) return Number(left !== null) - Number(right !== null);
  if (typeof left !== 'string' || typeof right !== 'string') return Number(left) - Number(right);
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

export function sorted(rows: readonly VolumeRow[], sort: VolumeSort): VolumeRow[] {
  const given: VolumeSort = sort.length > 0 ? sort : [{ field: 'createdAt', direction: 'desc' }];
  const keys = [...given, { field: 'id' as const, direction: given.at(-1)?.direction }];
  return [...rows].sort((left, right) => {
    for (const { field, direction } of keys) {
      const order = compareValues(left[field], right[field]);
      if (order !== 0) return direction === 'desc' ? -order : order;
    }
    return 0;
  });
}

/** The rows by the text in one field: how many, and their sizes together. */
export function totalsBy(rows: readonly VolumeRow[], field: 'status'): Total[] {
  const groups = [...Map.groupBy(rows, (row): string => row[field])];
  const totals = groups.map(([of, members]) => ({
    of,
    count: members.length,
    sum: members.reduce((total, { size }) => total + size, 0),
  }));
  return totals.sort((left, right) => compareValues(left.of, right.of));
}
