/**
 * `/services`, `/endpoints` and `/regions`: those of this process, which follow its address and
 * cannot be changed, and those that an administrator adds.
 */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { OperatingError } from '../../base/errors.ts';
import type { EndpointRow, RegionRow, ServiceRow } from '../../catalog/identity-tables.ts';
import { orNotFound, type Kind } from '../../identity/directory/faults.ts';
import * as directory from '../../identity/directory/endpoints.ts';
import type { Query } from '../query.ts';
import { type DirectoryOptions, limit } from './directory-query.ts';
import { Id, LongText, nameOf, open, orNull, Text } from './identity-body.ts';
import { resourceRoutes } from './resource.ts';
import { ownEndpoints, ownRegion, ownServices, regionId } from './service-catalog.ts';
import { linksTo } from './views.ts';

const serviceFields = {
  name: Type.Optional(orNull(Text)),
  description: Type.Optional(orNull(LongText)),
  enabled: Type.Optional(Type.Boolean()),
};
const NewService = Type.Object({ type: nameOf(255), ...serviceFields }, open);
const ServiceChanges = Type.Object({ type: Type.Optional(nameOf(255)), ...serviceFields }, open);

const Face = Type.Union([Type.Literal('public'), Type.Literal('internal'), Type.Literal('admin')]);
const Url = Type.String({ pattern: '^https?://', maxLength: 2048 });
const RegionId = Type.String({ minLength: 1, maxLength: 255 });
const endpointFields = {
  region_id: Type.Optional(orNull(RegionId)),
  region: Type.Optional(orNull(RegionId)),
  enabled: Type.Optional(Type.Boolean()),
  name: Type.Optional(Text),
};
const NewEndpoint = Type.Object(
  { service_id: Id, interface: Face, url: Url, ...endpointFields },
  open,
);
const EndpointChanges = Type.Partial(NewEndpoint);

const NewRegion = Type.Object(
  {
    id: Type.Optional(RegionId),
    description: Type.Optional(LongText),
    parent_region_id: Type.Optional(orNull(RegionId)),
  },
  open,
);

/** Rejects with `forbidden` a change of what belongs to this process. */
function refuseOwn(own: readonly { id: string }[], kind: Kind, id: string): void {
  if (!own.some((each) => each.id === id)) return;
  throw new OperatingError('forbidden', `The ${kind} ${id} is this Firn's own and follows it.`);
}

/** True when every field that the query names has the value that it gives. */
function fits(query: Query, fields: Readonly<Record<string, string | null>>): boolean {
  return Object.entries(fields).every(([name, value]) => (query[name] ?? value) === value);
}

export function serviceRoutes(app: FastifyInstance, options: DirectoryOptions): void {
  const { catalog, publicUrl } = options;
  const own = ownServices();
  resourceRoutes(app, publicUrl, {
    singular: 'service',
    queries: ['name', 'type'],
    list: async (query) => {
      const rows = [...own, ...(await catalog.list('services', { where: {}, limit: limit - 10 }))];
      return rows.filter(({ name, type }) => fits(query, { name, type }));
    },
    find: async (id) =>
      own.find((each) => each.id === id) ?? (await catalog.find('services', { id })),
    view: (row: ServiceRow) => ({ ...row, links: linksTo(publicUrl, `services/${row.id}`) }),
    create: {
      body: NewService,
      run: ({ type, name, description, enabled }) =>
        directory.createService(options, {
          type,
          name: name ?? null,
          description: description ?? null,
          enabled: enabled ?? true,
        }),
    },
    update: {
      body: ServiceChanges,
      run: (id, { type, name, description, enabled }) => {
        refuseOwn(own, 'service', id);
        return directory.updateService(options, id, {
          ...(type === undefined ? {} : { type }),
          ...(name === undefined ? {} : { name }),
          ...(description === undefined ? {} : { description }),
          ...(enabled === undefined ? {} : { enabled }),
        });
      },
    },
    remove: async (id) => {
      refuseOwn(own, 'service', id);
      await directory.deleteService(options, id);
    },
  });
  endpointRoutes(app, options);
  regionRoutes(app, options);
}

async function serviceOf({ catalog }: DirectoryOptions, id: string): Promise<string> {
  const own = ownServices().some((each) => each.id === id);
  return own ? id : orNotFound(await catalog.find('services', { id }), 'service', id).id;
}

/** A region that is not there yet is made: so the terminal client names one. */
async function regionOf(options: DirectoryOptions, id: string | null): Promise<string | null> {
  if (id === null || id === regionId) return id;
  if ((await options.catalog.find('regions', { id })) === undefined) {
    await directory.createRegion(options, { id, description: '', parentRegionId: null });
  }
  return id;
}

const endpointView = (publicUrl: string, row: EndpointRow): object => ({
  id: row.id,
  service_id: row.serviceId,
  interface: row.interface,
  region: row.regionId,
  region_id: row.regionId,
  url: row.url,
  enabled: row.enabled,
  links: linksTo(publicUrl, `endpoints/${row.id}`),
});

function endpointRoutes(app: FastifyInstance, options: DirectoryOptions): void {
  const { catalog, publicUrl } = options;
  const own = ownEndpoints(publicUrl);
  const service = (id: string) => serviceOf(options, id);
  const region = (id?: string | null) => regionOf(options, id ?? null);
  resourceRoutes(app, publicUrl, {
    singular: 'endpoint',
    queries: ['service_id', 'interface', 'region_id'],
    list: async (query) => {
      const stored = await catalog.list('endpoints', { where: {}, limit: limit - 20 });
      return [...own, ...stored].filter((row) =>
        fits(query, {
          interface: row.interface,
          service_id: row.serviceId,
          region_id: row.regionId,
          region: row.regionId,
        }),
      );
    },
    find: async (id) =>
      own.find((each) => each.id === id) ?? (await catalog.find('endpoints', { id })),
    view: (row: EndpointRow) => endpointView(publicUrl, row),
    create: {
      body: NewEndpoint,
      run: async (body) =>
        directory.createEndpoint(options, {
          serviceId: await service(body.service_id),
          interface: body.interface,
          regionId: await region(body.region_id ?? body.region),
          url: body.url,
          enabled: body.enabled ?? true,
        }),
    },
    update: {
      body: EndpointChanges,
      run: async (id, body) => {
        refuseOwn(own, 'endpoint', id);
        const wanted = body.region_id ?? body.region;
        return await directory.updateEndpoint(options, id, {
          ...(body.service_id === undefined ? {} : { serviceId: await service(body.service_id) }),
          ...(body.interface === undefined ? {} : { interface: body.interface }),
          ...(wanted === undefined ? {} : { regionId: await region(wanted) }),
          ...(body.url === undefined ? {} : { url: body.url }),
          ...(body.enabled === undefined ? {} : { enabled: body.enabled }),
        });
      },
    },
    remove: async (id) => {
      refuseOwn(own, 'endpoint', id);
      await directory.deleteEndpoint(options, id);
    },
  });
}

function regionRoutes(app: FastifyInstance, options: DirectoryOptions): void {
  const { catalog, publicUrl } = options;
  const own = [ownRegion];
  const everybody = (): boolean => true;
  resourceRoutes(app, publicUrl, {
    singular: 'region',
    queries: ['parent_region_id'],
    list: async (query) => {
      const rows = [...own, ...(await catalog.list('regions', { where: {}, limit: limit - 1 }))];
      return rows.filter((row) => fits(query, { parent_region_id: row.parentRegionId }));
    },
    find: async (id) => (id === regionId ? ownRegion : await catalog.find('regions', { id })),
    view: (row: RegionRow) => ({
      id: row.id,
      description: row.description,
      parent_region_id: row.parentRegionId,
      links: linksTo(publicUrl, `regions/${row.id}`),
    }),
    listedFor: everybody,
    shownTo: everybody,
    create: {
      body: NewRegion,
      run: async ({ id, description, parent_region_id: parent }) => {
        if (id === regionId) refuseOwn(own, 'region', id);
        return await directory.createRegion(options, {
          id: id ?? directory.newRegionId(),
          description: description ?? '',
          parentRegionId: parent ?? null,
        });
      },
    },
    update: {
      body: NewRegion,
      run: (id, { description, parent_region_id: parent }) => {
        refuseOwn(own, 'region', id);
        return directory.updateRegion(options, id, {
          ...(description === undefined ? {} : { description }),
          ...(parent === undefined ? {} : { parentRegionId: parent }),
        });
      },
    },
    remove: async (id) => {
      refuseOwn(own, 'region', id);
      await directory.deleteRegion(options, id);
    },
  });
}
