/** Filters by time with operators (3.60): `gt:2026-01-01T00:00:00,lt:2026-02-01T00:00:00`. */
import { OperatingError } from '../../base/errors.ts';

export interface TimeCondition {
  readonly above?: number;
  readonly below?: number;
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly not?: number;
}

const operators = {
  gt: 'above',
  gte: 'atLeast',
  lt: 'below',
  lte: 'atMost',
  neq: 'not',
} as const satisfies Record<string, keyof TimeCondition>;

const timePattern =
  /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?$/;

/**
 * The condition that a filter of `name` asks for; several hold together. A time without zone is in
 * UTC, and one without an operator must be equal. Rejects what is no time, or no operator.
 */
export function parseTimes(name: string, text: string): TimeCondition {
  const conditions: { -readonly [K in keyof TimeCondition]: TimeCondition[K] } = {};
  for (const part of text.split(',')) {
    const [, word, time] = /^([a-z]+):(.*)$/s.exec(part.trim()) ?? [undefined, 'eq', part.trim()];
    const ms = parseTime(name, time ?? '');
    if (word === 'eq') Object.assign(conditions, { atLeast: ms, atMost: ms });
    else {
      const found = Object.entries(operators).find(([operator]) => operator === word);
      if (found === undefined) {
        throw new OperatingError(
          'invalid_input',
          `Invalid filter: the operator ${(word ?? '').slice(0, 20)} of ${name} is none of gt, ` +
            'gte, eq, neq, lt, lte.',
          { field: name },
        );
      }
      conditions[found[1]] = ms;
    }
  }
  return conditions;
}

function parseTime(name: string, text: string): number {
  const zoned = /(?:Z|[+-]\d\d:?\d\d)$/.test(text.slice(10)) ? text : `${text.replace(' ', 'T')}Z`;
  const whole = text.length === 10 ? `${text}T00:00:00Z` : zoned;
  // A plus sign that was not escaped arrives as a blank.
  const ms = timePattern.test(text) ? Date.parse(whole.replace(' ', 'T')) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new OperatingError(
    'invalid_input',
    `Invalid filter: ${name} is compared with times such as 2026-01-31T12:00:00, not with ` +
      `'${text.slice(0, 50)}'.`,
    { field: name },
  );
}
