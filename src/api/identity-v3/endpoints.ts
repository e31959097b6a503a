import type { FastifyInstance } from 'fastify';
import type { Query } from '../query.ts';
import { resourceRoutes } from './resource.ts';
import { endpointViews, regionView, serviceViews } from './service-catalog.ts';
import type { EndpointView, ServiceView } from './service-catalog.ts';

/** `/services`, `/endpoints` and `/regions`: what this process serves, read only. */
export function serviceRoutes(app: FastifyInstance, publicUrl: string): void {
  const services = serviceViews(publicUrl);
  const endpoints = endpointViews(publicUrl);
  const region = regionView(publicUrl);

  resourceRoutes<ServiceView>(app, publicUrl, {
    singular: 'service',
    plural: 'services',
    list: async (query) => services.filter(({ name, type }) => fits(query, { name, type })),
    find: async (id) => services.find((service) => service.id === id),
    view: (service) => service,
  });

  resourceRoutes<EndpointView>(app, publicUrl, {
    singular: 'endpoint',
    plural: 'endpoints',
    list: async (query) =>
      endpoints.filter(({ interface: face, service_id, region_id }) =>
        fits(query, { interface: face, service_id, region_id, region: region_id }),
      ),
    find: async (id) => endpoints.find((endpoint) => endpoint.id === id),
    view: (endpoint) => endpoint,
  });

  resourceRoutes(app, publicUrl, {
    singular: 'region',
    plural: 'regions',
    list: async (query) => ('parent_region_id' in query ? [] : [region]),
    find: async (id) => (id === region.id ? region : undefined),
    view: (each) => each,
    listedFor: () => true,
    shownTo: () => true,
  });
}

/** True when every field that the query names has the value that it gives. */
function fits(query: Query, fields: Record<string, string>): boolean {
  return Object.entries(fields).every(([name, value]) => (query[name] ?? value) === value);
}
