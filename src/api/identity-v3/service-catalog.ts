/** The services of this process, as Identity's catalogue lists them. */
import { createHash } from 'node:crypto';

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

/** The catalogue in a token scoped to a project. */
export function catalogFor(publicUrl: string, projectId: string): object[] {
  return services.map(({ type, name, path }) => ({
    id: idOf(type),
    type,
    name,
    endpoints: interfaces.map((face) => ({
      id: idOf(type, face),
      interface: face,
      region: regionId,
      region_id: regionId,
      url: publicUrl + path.replace('$(project_id)s', projectId),
    })),
  }));
}

export interface ServiceView {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly description: string;
  readonly enabled: true;
  readonly links: { readonly self: string };
}

export function serviceViews(publicUrl: string): ServiceView[] {
  return services.map(({ type, name, description }) => ({
    id: idOf(type),
    type,
    name,
    description,
    enabled: true,
    links: { self: `${publicUrl}/identity/v3/services/${idOf(type)}` },
  }));
}

export interface EndpointView {
  readonly id: string;
  readonly service_id: string;
  readonly interface: string;
  readonly region: string;
  readonly region_id: string;
  readonly url: string;
  readonly enabled: true;
  readonly links: { readonly self: string };
}

export function endpointViews(publicUrl: string): EndpointView[] {
  return services.flatMap(({ type, path }) =>
    interfaces.map((face) => ({
      id: idOf(type, face),
      service_id: idOf(type),
      interface: face,
      region: regionId,
      region_id: regionId,
      url: publicUrl + path,
      enabled: true as const,
      links: { self: `${publicUrl}/identity/v3/endpoints/${idOf(type, face)}` },
    })),
  );
}

export interface RegionView {
  readonly id: string;
  readonly description: string;
  readonly parent_region_id: null;
  readonly links: { readonly self: string };
}

export function regionView(publicUrl: string): RegionView {
  return {
    id: regionId,
    description: '',
    parent_region_id: null,
    links: { self: `${publicUrl}/identity/v3/regions/${regionId}` },
  };
}
