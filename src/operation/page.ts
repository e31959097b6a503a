/** Pages of rows for the lists of the API. */
import { OperatingError } from '../base/errors.ts';
import type { CatalogReader, SortKey, Where } from '../catalog/catalog.ts';
import type { Row, TableName } from '../catalog/tables.ts';

export interface PageRequest<T extends TableName> {
  readonly sort?: readonly SortKey<T>[];
  /** 0 to 1,000; for 0 the page is empty. */
  readonly limit: number;
  /** The id of the last row of the page before. */
  readonly marker?: string | undefined;
  readonly offset?: number;
  readonly withCount?: boolean;
}

export interface PageOf<T extends TableName> {
  readonly rows: Row<T>[];
  /** How many rows match in all, when that was asked for. */
  readonly count: number | undefined;
}

/** What Cinder calls that which a marker names. */
const markers: Partial<Record<TableName, string>> = {
  volumes: 'Volume',
  snapshots: 'Snapshot',
  backups: 'Backup',
  attachments: 'Volume attachment',
  messages: 'Message',
  transfers: 'Transfer',
  groups: 'Group',
  groupSnapshots: 'GroupSnapshot',
  volumeTypes: 'Volume type',
  groupTypes: 'Group type',
};

/** A page of a list. `markerWhere` says which row the marker may name; it has the id added. */
export async function readPage<T extends TableName>(
  reader: CatalogReader,
  table: T,
  where: Where<T>,
  page: PageRequest<T>,
  findMarker: (id: string) => Promise<Row<T> | undefined>,
): Promise<PageOf<T>> {
  const count = page.withCount === true ? await reader.count(table, where) : undefined;
  if (page.limit === 0) return { rows: [], count };
  const after = page.marker === undefined ? undefined : await findMarker(page.marker);
  if (page.marker !== undefined && after === undefined) {
    const message = `${markers[table] ?? 'Marker'} ${page.marker} could not be found.`;
    throw new OperatingError('not_found', message, { field: 'marker' });
  }
  const rows = await reader.list(table, {
    where,
    limit: page.limit,
    ...(page.sort === undefined ? {} : { sort: page.sort }),
    ...(after === undefined ? {} : { after }),
    ...(page.offset === undefined || page.offset === 0 ? {} : { offset: page.offset }),
  });
  return { rows, count };
}
