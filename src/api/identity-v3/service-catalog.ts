/** The services of this process, as Identity's catalogue lists them. */
import { createHash } from 'node:crypto';
import type { EndpointRow, RegionRow, ServiceRow } from '../../catalog/identity-tables.ts';

export const regionId = 'RegionOne';

const interfaces = ['public', 'internal', 'admin'] as const;

interface ServiceFacts {
  readonly type: string;
  readonly name: string;
  readonly description: string;
  /** Below the public URL; `$(project_id)s` stands for a project. */
  readonly path: string;
}

/** `volumev3` is the name by which Horizon and older clients look for `block-storage`. */
const services: readonly ServiceFacts[] = [
  { type: 'identity', name: 'keystone', description: 'Identity', path: '/identity/v3' },
  {
    type: 'volumev3',
    name: 'cinderv3',
    description: 'Block Storage v3',
    path: '/volume/v3/$(project_id)s',
  },
  {
    type: 'block-storage',
    name: 'cinder',
    description: 'Block Storage',
    path: '/volume/v3/$(project_id)s',
  },
  { type: 'image', name: 'glance', description: 'Image', path: '/image' },
];

/** The same id on every machine and after every start: nothing is stored. */
function idOf(...names: string[]): string {
  return createHash('sha256').update(names.join('/')).digest('hex').slice(0, 32);
}

/** The services of this process as rows, which are not stored. */
export function ownServices(): ServiceRow[] {
  return services.map(({ type, name, description }) => ({
    id: idOf(type),
    type,
    name,
    description,
    enabled: true,
  }));
}

export function ownEndpoints(publicUrl: string): EndpointRow[] {
  return services.flatMap(({ type, path }) =>
    interfaces.map((face) => ({
      id: idOf(type, face),
      serviceId: idOf(type),
      interface: face,
      regionId,
      url: publicUrl + path,
      enabled: true,
    })),
  );
}

export const ownRegion: RegionRow = { id: regionId, description: '', parentRegionId: null };

/** Services that an administrator added, as they stand in catalogues. */
export interface StoredServices {
  readonly services: readonly ServiceRow[];
  readonly endpoints: readonly EndpointRow[];
}

export const noServices: StoredServices = { services: [], endpoints: [] };

/** The catalogue in a token for a project, or for a domain or the system. */
export function catalogFor(
  publicUrl: string,
  projectId: string | undefined,
  stored: StoredServices,
): object[] {
  const all = [...ownServices(), ...stored.services.filter(({ enabled }) => enabled)];
  const endpoints = [...ownEndpoints(publicUrl), ...stored.endpoints];
  return all.map(({ id, type, name }) => ({
    id,
    type,
    name: name ?? '',
    endpoints: endpoints
      .filter((row) => row.serviceId === id && row.enabled)
      .filter(({ url }) => projectId !== undefined || !needsProject.test(url))
      .map((row) => ({
        id: row.id,
        interface: row.interface,
        region: row.regionId,
        region_id: row.regionId,
        url: row.url.replace(needsProject, projectId ?? ''),
      })),
  }));
}

/** How the URL of an endpoint says where the project goes. */
const needsProject = /[$%]\((?:project|tenant)_id\)s/;
