/** Query strings of lists: filters, order and page, for every resource that has a list. */
import type { FastifyRequest } from 'fastify';
import { OperatingError } from '../../base/errors.ts';
import type { SortKey } from '../../catalog/catalog.ts';
import type { Metadata, Row, TableName } from '../../catalog/tables.ts';
import type { Projects } from '../../operation/scope.ts';
import { isAdmin } from '../../operation/scope.ts';
import { microversionMax } from '../microversion.ts';
import { parseBool, parsePage, parseSort, readQuery, type Query } from '../query.ts';
import { conditionsOf, type Conditions, type FilterFace } from './list-conditions.ts';
import type { Viewer } from './view.ts';

import { parseTimes, type TimeCondition } from './time-filter.ts';

/** Which names a resource's list can be filtered and sorted by. */
export interface ListFace<T extends TableName> extends FilterFace<T> {
  readonly sortFields: Readonly<Record<string, keyof Row<T> & string>>;
  /** Sort keys that came with a microversion. */
  readonly sortsSince?: Readonly<Record<string, number>>;
  /** The microversion that brought `with_count`; without one it is not known. */
  readonly countSince?: number;
  /** The microversion that brought pages and sorting, where it was a later one. */
  readonly pagesSince?: number;
}

export interface ListRequest<T extends TableName> {
  readonly query: Query;
  readonly where: Conditions<T>;
  readonly sort?: SortKey<T>[];
  readonly limit: number;
  readonly marker: string | undefined;
  readonly offset: number;
  readonly withCount: boolean;
  readonly projects: Projects;
}

export function readList<T extends TableName>(
  request: FastifyRequest,
  face: ListFace<T>,
): ListRequest<T> {
  const query = readQuery(request);
  const microversion = microversionOf(request);
  const where = conditionsOf(face, query, { microversion, isAdmin: isAdmin(request.caller) });
  const hasPages = microversion >= (face.pagesSince ?? 0);
  const page = parsePage(hasPages ? query : {});
  const sort = hasPages ? sortOf(query, face, microversion) : undefined;
  const counts = microversion >= (face.countSince ?? Infinity);
  return {
    query,
    where,
    ...(sort === undefined ? {} : { sort }),
    ...page,
    withCount: counts && parseBool(query, 'with_count', false),
    projects: projectsOf(request, query),
  };
}

/** Firn's own API has no microversions: its lists are those of the newest. */
function microversionOf({ microversion }: FastifyRequest): number {
  const asked: number | undefined = microversion;
  return asked ?? microversionMax;
}

function projectsOf(request: FastifyRequest, query: Query): Projects {
  if (!isAdmin(request.caller) || !parseBool(query, 'all_tenants', false)) return 'own';
  const id = query['project_id'] ?? query['tenant_id'];
  return id === undefined ? 'every' : { id };
}

function sortOf<T extends TableName>(
  query: Query,
  face: ListFace<T>,
  microversion: number,
): SortKey<T>[] | undefined {
  return parseSort(query)?.map(({ key, direction }) => {
    const isKnown = microversion >= (face.sortsSince?.[key] ?? 0);
    const field = isKnown && Object.hasOwn(face.sortFields, key) ? face.sortFields[key] : undefined;
    if (field === undefined) {
      throw new OperatingError(
        'invalid_input',
        `Invalid input received: Invalid sort key: ${key.slice(0, 100)}`,
        { field: 'sort' },
      );
    }
    return { field, direction };
  });
}

/**
 * The body of a list: the items, the link to the next page, and the count where it was asked for.
 */
export function listAnswer(options: {
  viewer: Viewer;
  list: { query: Query; limit: number };
  page: { rows: readonly { id: string }[]; count?: number | undefined };
  items: readonly object[];
  path: string;
  kind: string;
}): object {
  const { kind, items, page } = options;
  return {
    [kind]: items,
    ...nextLink({ ...options, rows: page.rows }),
    ...(page.count === undefined ? {} : { count: page.count }),
  };
}

/** The link to the next page, when this one is full: `<kind>_links`. */
export function nextLink(options: {
  viewer: Viewer;
  list: { query: Query; limit: number };
  rows: readonly { id: string }[];
  path: string;
  kind: string;
}): object {
  const { viewer, list, rows, path, kind } = options;
  const last = rows.at(-1);
  if (last === undefined || rows.length < list.limit) return {};
  const { offset: _passed, ...kept } = list.query;
  const search = new URLSearchParams({ ...kept, marker: last.id });
  const { publicUrl, projectId } = viewer;
  const href = `${publicUrl}/volume/v3/${projectId}/${path}?${search.toString()}`;
  return { [`${kind}_links`]: [{ rel: 'next', href }] };
}

/**
 * A filter by metadata: JSON, or a dictionary as Python writes it, which the terminal client sends.
 * Undefined when it is neither.
 */
export function parseMetadataFilter(text: string): Metadata | undefined {
  const inner = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  if (inner === undefined) return undefined;
  const string = `u?(?:'((?:[^'\\\\]|\\\\.)*)'|"((?:[^"\\\\]|\\\\.)*)")`;
  const pair = new RegExp(`\\s*${string}\\s*:\\s*${string}\\s*(?:,|$)`, 'y');
  const entries: [string, string][] = [];
  while (pair.lastIndex < inner.length) {
    const match = pair.exec(inner);
    if (match === null) return undefined;
    entries.push([unescaped(match[1] ?? match[2]), unescaped(match[3] ?? match[4])]);
    if (pair.lastIndex === inner.length) break;
  }
  return Object.fromEntries(entries);
}

function unescaped(text: string | undefined): string {
  return (text ?? '').replaceAll(/\\(.)/g, '$1');
}

/** A condition on one field; without a value to compare with, one that nothing meets. */
export function defined<F extends string, V>(
  field: F,
  value: V | undefined,
): { [K in F]: V } | { id: [] } {
  return value === undefined ? { id: [] } : ({ [field]: value } as { [K in F]: V });
}

/** A whole number, or undefined when the text is none: then nothing can match. */
export function parseWhole(text: string): number | undefined {
  return /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}

/** `true` or `false` in any case, or undefined. */
export function parseFlag(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  if (['true', '1'].includes(lower)) return true;
  return ['false', '0'].includes(lower) ? false : undefined;
}

/** `is_public` of types: public ones alone, unless `None` (null), for all, or `False` is asked. */
export function publicFilter(text: string | undefined): boolean | null {
  if (text === undefined) return true;
  if (text.toLowerCase() === 'none') return null;
  const isPublic = parseFlag(text);
  if (isPublic !== undefined) return isPublic;
  const message = `Invalid is_public filter [${text.slice(0, 100)}]`;
  throw new OperatingError('invalid_input', message, { field: 'is_public' });
}

/** Of the lists of volumes, snapshots and backups. */
export const timeFilters = {
  created_at: (text: string): { createdAt: TimeCondition } => ({
    createdAt: parseTimes('created_at', text),
  }),
  updated_at: (text: string): { updatedAt: TimeCondition } => ({
    updatedAt: parseTimes('updated_at', text),
  }),
};
