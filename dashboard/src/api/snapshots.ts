import { queryOptions } from '@tanstack/react-query';
import type { Snapshot as ClientSnapshot } from '../../../src/client/block-storage-schema.ts';
import type { Usage } from '../../../src/client/firn-schema.ts';
import { ask } from './http.ts';
import { type ListQuery, type Page, queryOf } from './page.ts';

export type Snapshot = ClientSnapshot & {
  readonly group_snapshot_id: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly 'os-extended-snapshot-attributes:project_id': string;
};

const base = '/volume/v3/snapshots';

export const snapshotsQuery = (list: ListQuery) =>
  queryOptions({
    queryKey: ['snapshots', 'page', list],
    queryFn: async ({ signal }): Promise<Page<Snapshot>> => {
      const query = queryOf(list);
      const answer = await ask<{ snapshots: Snapshot[]; count: number }>(`${base}/detail`, {
        query,
        signal,
      });
      return { items: answer.snapshots, count: answer.count };
    },
  });

/** Up to a thousand snapshots that meet `where`, newest first. */
export const snapshotChoicesQuery = (where: Readonly<Record<string, string>>) =>
  queryOptions({
    queryKey: ['snapshots', 'choices', where],
    queryFn: async (): Promise<readonly Snapshot[]> =>
      (await ask<{ snapshots: Snapshot[] }>(`${base}/detail`, { query: { ...where, limit: 1000 } }))
        .snapshots,
  });

/** Names of up to a thousand snapshots, newest first, by id. */
export const snapshotNamesQuery = queryOptions({
  queryKey: ['snapshots', 'names'],
  queryFn: async (): Promise<ReadonlyMap<string, string>> => {
    const query = { limit: 1000 };
    const { snapshots } = await ask<{ snapshots: Snapshot[] }>(base, { query });
    return new Map(snapshots.map(({ id, name }) => [id, name ?? id]));
  },
});

/** Ids of the volumes that have snapshots, of up to a thousand of these. */
export const snapshottedQuery = queryOptions({
  queryKey: ['snapshots', 'volumes'],
  queryFn: async (): Promise<ReadonlySet<string>> => {
    const { snapshots } = await ask<{ snapshots: Snapshot[] }>(base, { query: { limit: 1000 } });
    return new Set(snapshots.map((snapshot) => snapshot.volume_id));
  },
});

export const snapshotQuery = (id: string) =>
  queryOptions({
    queryKey: ['snapshots', id],
    queryFn: async ({ signal }): Promise<Snapshot> =>
      (await ask<{ snapshot: Snapshot }>(`${base}/${id}`, { signal })).snapshot,
  });

export const snapshotUsageQuery = (id: string) =>
  queryOptions({
    queryKey: ['snapshots', id, 'usage'],
    queryFn: async (): Promise<Usage> =>
      (await ask<{ usage: Usage }>(`/firn/v1/snapshots/${id}/usage`)).usage,
  });

export async function createSnapshot(snapshot: {
  volume_id: string;
  name: string;
  description: string;
}): Promise<Snapshot> {
  const body = { snapshot };
  return (await ask<{ snapshot: Snapshot }>(base, { method: 'POST', body })).snapshot;
}

export async function updateSnapshot(
  id: string,
  snapshot: { name: string; description: string },
): Promise<void> {
  await ask(`${base}/${id}`, { method: 'PUT', body: { snapshot } });
}

export async function deleteSnapshot(id: string): Promise<void> {
  await ask(`${base}/${id}`, { method: 'DELETE' });
}
