import { assert, unreachable } from '../base/assert.ts';
import { everyProject } from './catalog.ts';
import { columnOf, type Column, type Table } from './columns.ts';
import { encode, isStorable } from './row-codec.ts';
import { join, quoted, sql, type Sql } from './sql.ts';
import type { Words } from './words.ts';

export type Predicate = Sql;

/** How many values a list in a condition may have. */
const listCountMax = 1000;

export const always: Predicate = sql`true`;
export const never: Predicate = sql`false`;

export function allOf(predicates: readonly Predicate[]): Predicate {
  if (predicates.length === 0) return always;
  return sql`(${join(predicates, ' and ')})`;
}

export function anyOf(predicates: readonly Predicate[]): Predicate {
  if (predicates.length === 0) return never;
  return sql`(${join(predicates, ' or ')})`;
}

/** The predicate of a `where`. Asserts that a query of a project's table says of which project. */
export function predicateOf(table: Table, where: object, words: Words): Predicate {
  assert(
    !table.ofProjects || 'projectId' in where,
    `a query of ${table.sqlName} names its project or says everyProject`,
  );
  const predicates: Predicate[] = [];
  for (const [field, condition] of Object.entries(where) as [string, unknown][]) {
    if (field === 'anyOf') {
      predicates.push(alternatives(table, condition, words));
      continue;
    }
    if (field === 'projectId' && table.ofProjects) {
      if (condition === everyProject) continue;
      assert(typeof condition === 'string', 'a project is named by its id');
    }
    predicates.push(fieldPredicate(columnOf(table, field), condition, words));
  }
  return allOf(predicates);
}

function alternatives(table: Table, among: unknown, words: Words): Predicate {
  assert(Array.isArray(among), 'alternatives are a list');
  return anyOf(
    among.map((fields: object) =>
      allOf(
        (Object.entries(fields) as [string, unknown][]).map(([field, condition]) =>
          fieldPredicate(columnOf(table, field), condition, words),
        ),
      ),
    ),
  );
}

function fieldPredicate(column: Column, condition: unknown, words: Words): Predicate {
  assert(condition !== undefined, `the condition on ${column.field} is defined`);
  if (condition === null) return equals(column, null);
  if (column.kind === 'metadata') return holdsEntries(column, condition, words);
  assert(column.kind !== 'json', `${column.field} can be compared with null only`);
  if (Array.isArray(condition)) return oneOf(column, condition);
  if (typeof condition !== 'object') return equals(column, condition);
  const operators = Object.entries(condition) as [Operator, unknown][];
  assert(operators.length > 0, `the condition on ${column.field} has an operator`);
  return allOf(operators.map(([operator, value]) => operate(column, operator, value, words)));
}

type Operator = 'like' | 'above' | 'below' | 'atLeast' | 'atMost' | 'not';

function operate(column: Column, operator: Operator, value: unknown, words: Words): Predicate {
  const name = quoted(column.sqlName);
  switch (operator) {
    case 'like':
      return contains(column, value, words);
    case 'above':
      return sql`${name} > ${encode(column, value)}`;
    case 'below':
      return sql`${name} < ${encode(column, value)}`;
    case 'atLeast':
      return sql`${name} >= ${encode(column, value)}`;
    case 'atMost':
      return sql`${name} <= ${encode(column, value)}`;
    case 'not':
      return differs(column, value);
    default:
      return unreachable(operator);
  }
}

/** No row holds a text that cannot be stored, so that such a condition matches nothing. */
export function equals(column: Column, value: unknown): Predicate {
  const name = quoted(column.sqlName);
  if (value === null) return sql`${name} is null`;
  if (typeof value === 'string' && !isStorable(value)) return never;
  return sql`${name} = ${encode(column, value)}`;
}

function differs(column: Column, value: unknown): Predicate {
  const name = quoted(column.sqlName);
  if (value === null) return sql`${name} is not null`;
  if (typeof value === 'string' && !isStorable(value)) return always;
  const other = sql`${name} <> ${encode(column, value)}`;
  return column.nullable ? anyOf([other, equals(column, null)]) : other;
}

function oneOf(column: Column, values: readonly unknown[]): Predicate {
  assert(values.length <= listCountMax, `a list has at most ${listCountMax} values`);
  const texts = values.filter((value) => typeof value !== 'string' || isStorable(value));
  const known = texts.filter((value) => value !== null).map((value) => encode(column, value));
  const predicates: Predicate[] = [];
  if (known.length > 0) {
    predicates.push(sql`${quoted(column.sqlName)} in (${join(known)})`);
  }
  if (values.includes(null)) predicates.push(equals(column, null));
  return anyOf(predicates);
}

/**
 * Both databases then fold the case of ASCII letters only: SQLite always, PostgreSQL by collation
 * "C".
 */
function contains(column: Column, part: unknown, words: Words): Predicate {
  assert(typeof part === 'string' && column.kind === 'text', `${column.field} is a text`);
  if (!isStorable(part)) return never;
  const pattern = `%${part.replaceAll(/[\\%_]/g, (character) => `\\${character}`)}%`;
  return sql`${quoted(column.sqlName)} ${words.like} ${pattern} escape '\\'`;
}

function holdsEntries(column: Column, entries: unknown, words: Words): Predicate {
  assert(
    typeof entries === 'object' && entries !== null,
    `${column.field} is compared with an object`,
  );
  const name = quoted(column.sqlName);
  return allOf(
    Object.entries(entries).map(([key, value]: [string, unknown]) => {
      assert(typeof value === 'string', `${column.field} has texts`);
      if (!isStorable(key) || !isStorable(value)) return never;
      return sql`exists (
        select 1 from ${words.jsonEntries}(${name}) as entry
        where entry.key = ${key} and entry.value = ${value}
      )`;
    }),
  );
}
