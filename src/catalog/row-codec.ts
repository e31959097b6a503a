import { assert, unreachable } from '../base/assert.ts';
import { OperatingError } from '../base/errors.ts';
import type { Column, Table } from './columns.ts';
import type { SqlValue } from './sql.ts';
import type { Row, TableName } from './tables.ts';

/** The values of a row, in the order of the columns that were asked for. */
export type SqlRow = readonly unknown[];

/** True for a text that every database keeps as it is: no NUL, no half of a surrogate pair. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function storable(text: string, field: string): string {
  if (isStorable(text)) return text;
  const message = `${field} holds a character that cannot be stored.`;
  throw new OperatingError('invalid_input', message, { field });
}

function encodeJson(value: unknown, field: string): string {
  return JSON.stringify(value, (key, part: unknown) => {
    storable(key, field);
    return typeof part === 'string' ? storable(part, field) : part;
  });
}

/** The value of a field as its column keeps it. */
export function encode(column: Column, value: unknown): SqlValue {
  assert(value !== undefined, `${column.field} has a value`);
  if (value === null) {
    assert(column.nullable, `${column.field} may be null`);
    return null;
  }
  switch (column.kind) {
    case 'text':
      assert(typeof value === 'string', `${column.field} is a text`);
      return storable(value, column.field);
    case 'integer':
      assert(Number.isSafeInteger(value), `${column.field} is a whole number`);
      return Number(value);
    case 'boolean':
      assert(typeof value === 'boolean', `${column.field} is a boolean`);
      return value ? 1 : 0;
    case 'metadata':
    case 'json':
      return encodeJson(value, column.field);
    default:
      return unreachable(column.kind);
  }
}

function decode(column: Column, value: unknown): unknown {
  if (value === null) return null;
  switch (column.kind) {
    case 'text':
    case 'integer':
      return value;
    case 'boolean':
      return value === true || value === 1;
    case 'metadata':
    case 'json':
      assert(typeof value === 'string', `${column.field} comes as the text of its JSON`);
      return value === '{}' ? {} : JSON.parse(value);
    default:
      return unreachable(column.kind);
  }
}

/** A row as the caller knows it, out of a row of the database. */
export function decodeRow<T extends TableName>(table: Table, row: SqlRow): Row<T> {
  return decodeColumns(table.columns, row) as Row<T>;
}

/** The fields of some columns. */
export function decodeColumns(columns: readonly Column[], row: SqlRow): object {
  const fields: Record<string, unknown> = {};
  let index = 0;
  for (const column of columns) {
    fields[column.field] = decode(column, row[index]);
    index += 1;
  }
  return fields;
}
