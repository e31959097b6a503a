/** What an installation offers: types, zones, limits, messages and the state of its parts. */
import { queryOptions } from '@tanstack/react-query';
import { ask } from './http.ts';

export interface VolumeType {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly is_public: boolean;
  readonly extra_specs?: Readonly<Record<string, string>>;
}

export const volumeTypesQuery = queryOptions({
  queryKey: ['volume_types'],
  queryFn: async (): Promise<readonly VolumeType[]> =>
    (await ask<{ volume_types: VolumeType[] }>('/volume/v3/types', { query: { limit: 1000 } }))
      .volume_types,
});

/** The same, with those that are not for everybody; for administrators. */
export const everyTypeQuery = queryOptions({
  queryKey: ['volume_types', 'every'],
  queryFn: async (): Promise<readonly VolumeType[]> => {
    const query = { limit: 1000, is_public: 'None' };
    return (await ask<{ volume_types: VolumeType[] }>('/volume/v3/types', { query })).volume_types;
  },
});

export const defaultTypeQuery = queryOptions({
  queryKey: ['volume_types', 'default'],
  queryFn: async (): Promise<VolumeType> =>
    (await ask<{ volume_type: VolumeType }>('/volume/v3/types/default')).volume_type,
});

export async function createVolumeType(given: {
  name: string;
  description: string;
  'os-volume-type-access:is_public': boolean;
}): Promise<void> {
  await ask('/volume/v3/types', { method: 'POST', body: { volume_type: given } });
}

export async function updateVolumeType(
  id: string,
  given: { name: string; description: string; is_public: boolean },
): Promise<void> {
  await ask(`/volume/v3/types/${id}`, { method: 'PUT', body: { volume_type: given } });
}

export async function deleteVolumeType(id: string): Promise<void> {
  await ask(`/volume/v3/types/${id}`, { method: 'DELETE' });
}

export const zonesQuery = queryOptions({
  queryKey: ['zones'],
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: async (): Promise<readonly string[]> => {
    const path = '/volume/v3/os-availability-zone';
    const answer = await ask<{ availabilityZoneInfo: { zoneName: string }[] }>(path);
    return answer.availabilityZoneInfo.map((zone) => zone.zoneName);
  },
});

/** What the project uses, and may use; −1: without limit. */
export interface Limits {
  readonly maxTotalVolumes: number;
  readonly totalVolumesUsed: number;
  readonly maxTotalSnapshots: number;
  readonly totalSnapshotsUsed: number;
  readonly maxTotalVolumeGigabytes: number;
  readonly totalGigabytesUsed: number;
  readonly maxTotalBackups: number;
  readonly totalBackupsUsed: number;
  readonly maxTotalBackupGigabytes: number;
  readonly totalBackupGigabytesUsed: number;
}

export const limitsQuery = queryOptions({
  queryKey: ['limits'],
  queryFn: async (): Promise<Limits> =>
    (await ask<{ limits: { absolute: Limits } }>('/volume/v3/limits')).limits.absolute,
});

export interface Message {
  readonly id: string;
  readonly event_id: string;
  readonly message_level: string;
  readonly user_message: string;
  readonly resource_type: string | null;
  readonly resource_uuid: string | null;
  readonly created_at: string;
  readonly guaranteed_until: string;
}

export const messagesQuery = (where: Readonly<Record<string, string>>) =>
  queryOptions({
    queryKey: ['messages', where],
    queryFn: async (): Promise<readonly Message[]> =>
      (await ask<{ messages: Message[] }>('/volume/v3/messages', { query: where })).messages,
  });

export async function deleteMessage(id: string): Promise<void> {
  await ask(`/volume/v3/messages/${id}`, { method: 'DELETE' });
}

/** A part of the installation, as Cinder lists its services. */
export interface ServiceState {
  readonly binary: string;
  readonly host: string;
  readonly zone: string;
  readonly status: string;
  readonly state: string;
  readonly updated_at: string | null;
  readonly disabled_reason?: string | null;
}

export const serviceStatesQuery = queryOptions({
  queryKey: ['service_states'],
  queryFn: async (): Promise<readonly ServiceState[]> =>
    (await ask<{ services: ServiceState[] }>('/volume/v3/os-services')).services,
});

/** A disabled part takes no new work. */
export async function switchService(
  service: Pick<ServiceState, 'host' | 'binary'>,
  disabledReason: string | undefined,
): Promise<void> {
  const { host, binary } = service;
  const verb = disabledReason === undefined ? 'enable' : 'disable-log-reason';
  const reason = disabledReason === undefined ? {} : { disabled_reason: disabledReason };
  const body = { host, binary, ...reason };
  await ask(`/volume/v3/os-services/${verb}`, { method: 'PUT', body });
}

/** Projects that may use a type that is not for everybody. */
export const typeAccessQuery = (typeId: string) =>
  queryOptions({
    queryKey: ['volume_type_access', typeId],
    queryFn: async (): Promise<readonly string[]> => {
      const path = `/volume/v3/types/${typeId}/os-volume-type-access`;
      const answer = await ask<{ volume_type_access: { project_id: string }[] }>(path);
      return answer.volume_type_access.map(({ project_id: id }) => id);
    },
  });

export async function changeTypeAccess(
  typeId: string,
  projectId: string,
  verb: 'addProjectAccess' | 'removeProjectAccess',
): Promise<void> {
  const body = { [verb]: { project: projectId } };
  await ask(`/volume/v3/types/${typeId}/action`, { method: 'POST', body });
}

export interface Image {
  readonly id: string;
  readonly name: string | null;
  readonly status: string;
  readonly visibility: string;
  readonly size?: number | null;
  readonly disk_format?: string | null;
  readonly min_disk?: number;
  readonly created_at: string;
}

export const imagesQuery = queryOptions({
  queryKey: ['images'],
  queryFn: async (): Promise<readonly Image[]> =>
    (await ask<{ images: Image[] }>('/image/v2/images', { query: { limit: 1000 } })).images,
});

export const imageQuery = (id: string) =>
  queryOptions({
    queryKey: ['images', id],
    queryFn: async (): Promise<Image> => ask<Image>(`/image/v2/images/${id}`),
  });

export async function setExtraSpec(typeId: string, key: string, value: string): Promise<void> {
  const body = { extra_specs: { [key]: value } };
  await ask(`/volume/v3/types/${typeId}/extra_specs`, { method: 'POST', body });
}

export async function removeExtraSpec(typeId: string, key: string): Promise<void> {
  const path = `/volume/v3/types/${typeId}/extra_specs/${encodeURIComponent(key)}`;
  await ask(path, { method: 'DELETE' });
}
