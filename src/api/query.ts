/** Query strings, checked, in the words that Cinder has for what is wrong. */
import type { FastifyRequest } from 'fastify';
import { OperatingError } from '../base/errors.ts';

/** Names and values of a query string; of a name given twice the last value counts. */
export type Query = Readonly<Record<string, string>>;

/** The most rows of one page. */
export const pageLimitMax = 1000;

const offsetMax = 0x7fffffff;

export interface Page {
  /** 0 to 1,000; for 0 the answer is an empty list. */
  readonly limit: number;
  /** The id of the last row of the page before. */
  readonly marker: string | undefined;
  readonly offset: number;
}

export interface Sort {
  readonly key: string;
  readonly direction: 'asc' | 'desc';
}

function invalid(message: string, field: string): OperatingError {
  return new OperatingError('invalid_input', message, { field });
}

/** The request's query string. Rejects with `invalid_input` a NUL character. */
export function readQuery(request: FastifyRequest): Query {
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(request.query ?? {})) {
    const last: unknown = Array.isArray(value) ? value.at(-1) : value;
    const text = typeof last === 'string' ? last : '';
    if (name.includes('\0') || text.includes('\0')) {
      throw invalid('The query string holds a NUL character', 'query');
    }
    query[name] = text;
  }
  return query;
}

/** `limit`, `marker` and `offset`; a limit above the most that is served means the most. */
export function parsePage(query: Query): Page {
  const limit = query['limit'];
  const offset = query['offset'];
  if (limit !== undefined && !/^[+-]?\d+$/.test(limit)) {
    throw invalid('limit param must be an integer', 'limit');
  }
  if (limit !== undefined && Number(limit) < 0) {
    throw invalid('limit param must be positive', 'limit');
  }
  return {
    limit: limit === undefined ? pageLimitMax : Math.min(Number(limit), pageLimitMax),
    marker: query['marker'],
    offset: offset === undefined ? 0 : parseOffset(offset),
  };
}

function parseOffset(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw invalid('offset must be an integer.', 'offset');
  const offset = Number(text);
  if (offset < 0) throw invalid('offset must be >= 0', 'offset');
  if (offset > offsetMax) throw invalid(`offset must be <= ${offsetMax}`, 'offset');
  return offset;
}

/**
 * `sort=key:dir,key:dir`, or the older `sort_key` and `sort_dir`; without a direction it is
 * descending. Undefined when nothing is said. The keys are not checked here.
 */
export function parseSort(query: Query): Sort[] | undefined {
  const { sort, sort_key: key, sort_dir: direction } = query;
  if (sort === undefined) {
    if (key === undefined && direction === undefined) return undefined;
    return [{ key: key ?? 'created_at', direction: parseDirection(direction) }];
  }
  if (key !== undefined || direction !== undefined) {
    throw invalid(
      "The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with the " +
        "'sort' parameter.",
      'sort',
    );
  }
  return sort
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [name = '', way] = part.split(':', 2);
      return { key: name.trim(), direction: parseDirection(way?.trim()) };
    });
}

function parseDirection(text: string | undefined): 'asc' | 'desc' {
  if (text === undefined || text === '' || text === 'desc') return 'desc';
  if (text === 'asc') return 'asc';
  throw invalid("Unknown sort direction, must be 'desc' or 'asc'.", 'sort');
}

/** `true`, `1`, `yes`, `on`, `t`, `y` and their opposites in any case; `otherwise` when absent. */
export function parseBool(query: Query, name: string, otherwise: boolean): boolean {
  const text = query[name];
  if (text === undefined) return otherwise;
  const lower = text.trim().toLowerCase();
  if (['true', '1', 'yes', 'on', 't', 'y'].includes(lower)) return true;
  if (['false', '0', 'no', 'off', 'f', 'n'].includes(lower)) return false;
  throw invalid(`Value '${text.slice(0, 100)}' for '${name}' is not a boolean.`, name);
}
