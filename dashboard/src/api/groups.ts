import { queryOptions } from '@tanstack/react-query';
import { ask } from './http.ts';
import { type ListQuery, type Page, pageOf } from './page.ts';

/** Volumes that are snapshotted together. */
export interface Group {
  readonly id: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly status: string;
  readonly group_type: string;
  readonly volume_types: readonly string[];
  readonly availability_zone: string;
  readonly created_at: string;
  readonly volumes?: readonly string[];
}

export interface GroupSnapshot {
  readonly id: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly status: string;
  readonly group_id: string;
  readonly group_type_id: string;
  readonly created_at: string;
}

export interface GroupType {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
}

const groups = '/volume/v3/groups';
const snapshots = '/volume/v3/group_snapshots';

async function listGroups(): Promise<readonly Group[]> {
  return (await ask<{ groups: Group[] }>(`${groups}/detail`, { query: { limit: 1000 } })).groups;
}

export const groupChoicesQuery = queryOptions({
  queryKey: ['groups', 'choices'],
  queryFn: listGroups,
});

const keyOf = (row: Group | GroupSnapshot, key: string): string => {
  const values: Readonly<Record<string, string>> = {
    name: row.name ?? row.id,
    status: row.status,
    created_at: row.created_at,
  };
  return values[key] ?? '';
};

export const groupsQuery = (list: ListQuery) =>
  queryOptions({
    queryKey: ['groups', 'page', list],
    queryFn: async (): Promise<Page<Group>> => pageOf(await listGroups(), list, keyOf),
  });

export const groupQuery = (id: string) =>
  queryOptions({
    queryKey: ['groups', id],
    queryFn: async (): Promise<Group> =>
      (await ask<{ group: Group }>(`${groups}/${id}`, { query: { list_volume: true } })).group,
  });

export const groupTypesQuery = queryOptions({
  queryKey: ['group_types'],
  queryFn: async (): Promise<readonly GroupType[]> =>
    (await ask<{ group_types: GroupType[] }>('/volume/v3/group_types')).group_types,
});

export async function createGroup(group: {
  name: string;
  description: string;
  group_type: string;
  volume_types: readonly string[];
}): Promise<void> {
  await ask(groups, { method: 'POST', body: { group } });
}

/** From a group snapshot or from another group: new volumes with the same data. */
export async function createGroupFrom(source: {
  name: string;
  description: string;
  group_snapshot_id?: string;
  source_group_id?: string;
}): Promise<void> {
  await ask(`${groups}/action`, { method: 'POST', body: { 'create-from-src': source } });
}

export interface GroupChange {
  readonly name?: string;
  readonly description?: string;
  /** Ids, joined by commas. */
  readonly add_volumes?: string;
  readonly remove_volumes?: string;
}

export async function updateGroup(id: string, group: GroupChange): Promise<void> {
  await ask(`${groups}/${id}`, { method: 'PUT', body: { group } });
}

export async function deleteGroup(id: string, withVolumes: boolean): Promise<void> {
  const body = { delete: { 'delete-volumes': withVolumes } };
  await ask(`${groups}/${id}/action`, { method: 'POST', body });
}

async function listGroupSnapshots(): Promise<readonly GroupSnapshot[]> {
  const path = `${snapshots}/detail`;
  return (await ask<{ group_snapshots: GroupSnapshot[] }>(path, { query: { limit: 1000 } }))
    .group_snapshots;
}

export const groupSnapshotsQuery = (list: ListQuery) =>
  queryOptions({
    queryKey: ['group_snapshots', 'page', list],
    queryFn: async (): Promise<Page<GroupSnapshot>> =>
      pageOf(await listGroupSnapshots(), list, keyOf),
  });

export const groupSnapshotQuery = (id: string) =>
  queryOptions({
    queryKey: ['group_snapshots', id],
    queryFn: async (): Promise<GroupSnapshot> =>
      (await ask<{ group_snapshot: GroupSnapshot }>(`${snapshots}/${id}`)).group_snapshot,
  });

export async function createGroupSnapshot(given: {
  group_id: string;
  name: string;
  description: string;
}): Promise<void> {
  await ask(snapshots, { method: 'POST', body: { group_snapshot: given } });
}

export async function deleteGroupSnapshot(id: string): Promise<void> {
  await ask(`${snapshots}/${id}`, { method: 'DELETE' });
}
