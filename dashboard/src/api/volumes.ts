import { queryOptions } from '@tanstack/react-query';
import type { Volume as ClientVolume } from '../../../src/client/block-storage-schema.ts';
import type { Connection, Usage } from '../../../src/client/firn-schema.ts';
import { ask } from './http.ts';
import { type ListQuery, type Page, queryOf } from './page.ts';

export interface AttachedTo {
  readonly attachment_id: string;
  readonly server_id: string | null;
  readonly host_name: string | null;
  readonly device: string | null;
}

export type Volume = Omit<ClientVolume, 'attachments'> & {
  readonly bootable: string;
  readonly encrypted: boolean;
  readonly availability_zone: string;
  readonly group_id: string | null;
  readonly backup_id: string | null;
  readonly multiattach: boolean;
  readonly attachments: readonly AttachedTo[];
  readonly 'os-vol-tenant-attr:tenant_id': string;
};

/** What Firn knows of a volume that OpenStack has no word for. */
export interface Hydration {
  readonly bytes_done: number;
  readonly bytes_total: number;
  readonly bytes_per_second?: number | null;
  readonly seconds_left?: number | null;
}

const base = '/volume/v3/volumes';

/** How far the data of an instantly restored volume has come; null when all of it is there. */
export const hydrationQuery = (id: string) =>
  queryOptions({
    queryKey: ['hydration', id],
    queryFn: async (): Promise<Hydration | null> => {
      const path = `/firn/v1/volumes/${id}`;
      return (await ask<{ volume: { hydration: Hydration | null } }>(path)).volume.hydration;
    },
  });

export const volumesQuery = (list: ListQuery) =>
  queryOptions({
    queryKey: ['volumes', 'page', list],
    queryFn: async ({ signal }): Promise<Page<Volume>> => {
      const query = queryOf(list);
      const answer = await ask<{ volumes: Volume[]; count: number }>(`${base}/detail`, {
        query,
        signal,
      });
      return { items: answer.volumes, count: answer.count };
    },
  });

/** The newest volumes to choose from in a form. */
export const volumeChoicesQuery = (where: Readonly<Record<string, string>>) =>
  queryOptions({
    queryKey: ['volumes', 'choices', where],
    queryFn: async (): Promise<readonly Volume[]> =>
      (await ask<{ volumes: Volume[] }>(`${base}/detail`, { query: { ...where, limit: 1000 } }))
        .volumes,
  });

/** Names of up to a thousand volumes, newest first, by id. */
export const volumeNamesQuery = queryOptions({
  queryKey: ['volumes', 'names'],
  queryFn: async (): Promise<ReadonlyMap<string, string>> => {
    const query = { limit: 1000 };
    const { volumes } = await ask<{ volumes: Pick<Volume, 'id' | 'name'>[] }>(base, { query });
    return new Map(volumes.map(({ id, name }) => [id, name ?? id]));
  },
});

export const volumeQuery = (id: string) =>
  queryOptions({
    queryKey: ['volumes', id],
    queryFn: async ({ signal }): Promise<Volume> =>
      (await ask<{ volume: Volume }>(`${base}/${id}`, { signal })).volume,
  });

export const volumeUsageQuery = (id: string) =>
  queryOptions({
    queryKey: ['volumes', id, 'usage'],
    queryFn: async (): Promise<Usage> =>
      (await ask<{ usage: Usage }>(`/firn/v1/volumes/${id}/usage`)).usage,
  });

export const volumeConnectionsQuery = (id: string) =>
  queryOptions({
    queryKey: ['attachments', 'of', id],
    queryFn: async (): Promise<readonly Connection[]> =>
      (await ask<{ attachments: Connection[] }>(`/firn/v1/volumes/${id}/attachments`)).attachments,
  });

export interface NewVolume {
  readonly name: string;
  readonly description: string;
  readonly size: number;
  readonly snapshot_id?: string;
  readonly source_volid?: string;
  readonly backup_id?: string;
  readonly imageRef?: string;
  readonly volume_type?: string;
  readonly availability_zone?: string;
  readonly group_id?: string;
}

export async function createVolume(volume: NewVolume): Promise<Volume> {
  return (await ask<{ volume: Volume }>(base, { method: 'POST', body: { volume } })).volume;
}

export async function updateVolume(
  id: string,
  volume: { name: string; description: string },
): Promise<void> {
  await ask(`${base}/${id}`, { method: 'PUT', body: { volume } });
}

async function act(id: string, action: object): Promise<void> {
  await ask(`${base}/${id}/action`, { method: 'POST', body: action });
}

export const setBootable = (id: string, bootable: boolean): Promise<void> =>
  act(id, { 'os-set_bootable': { bootable } });

export const extendVolume = (id: string, newSize: number): Promise<void> =>
  act(id, { 'os-extend': { new_size: newSize } });

export const retypeVolume = (
  id: string,
  newType: string,
  policy: 'never' | 'on-demand',
): Promise<void> => act(id, { 'os-retype': { new_type: newType, migration_policy: policy } });

export const revertVolume = (id: string, snapshotId: string): Promise<void> =>
  act(id, { revert: { snapshot_id: snapshotId } });

/** Makes an image of what the volume holds; in raw format. */
export const uploadToImage = (
  id: string,
  image: { readonly name: string; readonly force: boolean },
): Promise<void> =>
  act(id, {
    'os-volume_upload_image': {
      image_name: image.name,
      disk_format: 'raw',
      container_format: 'bare',
      force: image.force,
    },
  });

export async function deleteVolume(id: string): Promise<void> {
  await ask(`${base}/${id}`, { method: 'DELETE' });
}

/** Replaces all metadata of a volume, a snapshot or a backup. */
export async function replaceMetadata(
  kind: 'volumes' | 'snapshots',
  id: string,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  await ask(`/volume/v3/${kind}/${id}/metadata`, { method: 'PUT', body: { metadata } });
}
