import { OperatingError } from '../../base/errors.ts';
import type { ImageRow } from '../../catalog/tables.ts';
import type { ImageFilters, ImageSortField } from '../../operation/image/list-images.ts';
import { parseBool, parsePage, parseSort } from '../query.ts';
import type { Page, Query } from '../query.ts';

const sortFields: Readonly<Record<string, ImageSortField>> = {
  name: 'name',
  status: 'status',
  id: 'id',
  created_at: 'createdAt',
  updated_at: 'updatedAt',
};

const statuses: readonly ImageRow['status'][] = [
  'queued',
  'saving',
  'uploading',
  'importing',
  'active',
  'deactivated',
  'killed',
];
const visibilities: readonly ImageRow['visibility'][] = [
  'public',
  'private',
  'shared',
  'community',
];

/** What the list of images can be asked for. */
export const imageQueries = [
  'id',
  'name',
  'owner',
  'status',
  'visibility',
  'os_hidden',
  'limit',
  'marker',
  'sort',
  'sort_key',
  'sort_dir',
] as const;

/** Filters that say nothing here: none is shared by membership. */
const withoutEffect = new Set(['member_status', 'limit', 'marker', 'sort', 'sort_key', 'sort_dir']);

export interface ImageQuery {
  /** Undefined when no image can match. */
  readonly filters: ImageFilters | undefined;
  readonly sort: { field: ImageSortField; direction: 'asc' | 'desc' }[];
  readonly page: Page;
}

/** What `GET /v2/images` asks for. Rejects with `invalid_input` filters that are not served. */
export function parseImageQuery(query: Query): ImageQuery {
  const sort = (parseSort(query) ?? [{ key: 'created_at', direction: 'desc' as const }]).map(
    ({ key, direction }) => {
      const field = Object.hasOwn(sortFields, key) ? sortFields[key] : undefined;
      if (field === undefined) {
        throw invalid(`Invalid sort key: ${key.slice(0, 100)}.`, 'sort');
      }
      return { field, direction };
    },
  );
  return { filters: parseFilters(query), sort, page: parsePage(query) };
}

function parseFilters(query: Query): ImageFilters | undefined {
  const { id, name, owner, status, visibility, os_hidden, ...rest } = query;
  for (const filter of Object.keys(rest)) {
    if (!withoutEffect.has(filter)) {
      throw invalid(`The filter '${filter.slice(0, 100)}' is not supported.`, filter);
    }
  }
  if (os_hidden !== undefined && parseBool(query, 'os_hidden', false)) return undefined;
  const kind = visibilities.find((each) => each === visibility);
  if (visibility !== undefined && visibility !== 'all' && kind === undefined) {
    throw invalid(`Invalid visibility value: ${visibility.slice(0, 100)}`, 'visibility');
  }
  const state = statuses.find((each) => each === status);
  if (status !== undefined && state === undefined) return undefined;
  return {
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
    ...(owner === undefined ? {} : { owner }),
    ...(state === undefined ? {} : { status: state }),
    ...(kind === undefined ? {} : { visibility: kind }),
  };
}

function invalid(message: string, field: string): OperatingError {
  return new OperatingError('invalid_input', message, { field });
}
