import { everyProject } from '../../catalog/catalog.ts';
import type { CatalogReader, ListQuery, SortKey, Where } from '../../catalog/catalog.ts';
import type { ImageRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { findImage } from './image-access.ts';

export interface ImageFilters {
  readonly id?: string;
  readonly name?: string;
  readonly owner?: string;
  readonly status?: ImageRow['status'];
  readonly visibility?: ImageRow['visibility'];
}

export type ImageSortField = 'name' | 'status' | 'id' | 'createdAt' | 'updatedAt';

/**
 * One page of the images that the caller sees: those of the own project and the public ones.
 * Rejects with `not_found` a marker that is no image of theirs.
 */
export async function listImages(
  catalog: CatalogReader,
  caller: Caller,
  query: {
    filters: ImageFilters;
    sort: readonly (SortKey<'images'> & { field: ImageSortField })[];
    limit: number;
    marker: string | undefined;
  },
): Promise<ImageRow[]> {
  authorize(caller, 'image:get_images');
  const { limit, marker, sort, filters } = query;
  const after = marker === undefined ? undefined : await findImage(catalog, caller, marker);
  if (limit === 0) return [];
  const page: Omit<ListQuery<'images'>, 'where'> = {
    sort: [...sort],
    limit,
    ...(after === undefined ? {} : { after }),
  };
  const sources = sourcesOf(filters, caller);
  const lists = await Promise.all(
    sources.map((where) => catalog.list('images', { ...page, where })),
  );
  const rows = new Map(lists.flat().map((row) => [row.id, row]));
  return [...rows.values()].sort((a, b) => compareRows(a, b, sort)).slice(0, limit);
}

/** The queries whose union is what the caller sees. */
function sourcesOf(filters: ImageFilters, caller: Caller): Where<'images'>[] {
  const { owner, visibility, ...rest } = filters;
  const sources: Where<'images'>[] = [];
  if (owner === undefined || owner === caller.projectId) {
    const kind = visibility === undefined ? {} : { visibility };
    sources.push({ ...rest, ...kind, projectId: caller.projectId });
  }
  if (visibility === undefined || visibility === 'public') {
    sources.push({ ...rest, visibility: 'public', projectId: owner ?? everyProject });
  }
  return sources;
}

/** The order of the catalogue: null first, text by its bytes, ties broken by id. */
function compareRows(
  a: ImageRow,
  b: ImageRow,
  sort: readonly { field: ImageSortField; direction: 'asc' | 'desc' }[],
): number {
  for (const { field, direction } of sort) {
    const order = compareValues(a[field], b[field]);
    if (order !== 0) return direction === 'asc' ? order : -order;
  }
  const order = compareValues(a.id, b.id);
  return sort.at(-1)?.direction === 'desc' ? -order : order;
}

function compareValues(a: string | number | null, b: string | number | null): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
}
