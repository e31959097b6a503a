/** Services, endpoints and regions beside Firn's own: so that other services can be found, too. */
import { OperatingError } from '../../base/errors.ts';
import { newHexId } from '../../base/ids.ts';
import type { EndpointRow, RegionRow, ServiceRow } from '../../catalog/identity-tables.ts';
import { orNotFound, unique } from './faults.ts';
import type { DirectoryNeeds } from './users.ts';

export async function createService(
  { catalog }: DirectoryNeeds,
  service: Omit<ServiceRow, 'id'>,
): Promise<ServiceRow> {
  const row = { ...service, id: newHexId() };
  await catalog.insert('services', row);
  return row;
}

export async function updateService(
  { catalog }: DirectoryNeeds,
  id: string,
  changes: Partial<Omit<ServiceRow, 'id'>>,
): Promise<ServiceRow> {
  const row = orNotFound(await catalog.find('services', { id }), 'service', id);
  if (Object.keys(changes).length === 0) return row;
  return orNotFound(await catalog.change('services', { id }, changes), 'service', id);
}

/** Removes a service with its endpoints. */
export async function deleteService({ catalog }: DirectoryNeeds, id: string): Promise<void> {
  await catalog.transact(async (transaction) => {
    const removed = await transaction.remove('services', { id });
    orNotFound(removed === 0 ? undefined : removed, 'service', id);
    await transaction.remove('endpoints', { serviceId: id });
  });
}

export async function createEndpoint(
  { catalog }: DirectoryNeeds,
  endpoint: Omit<EndpointRow, 'id'>,
): Promise<EndpointRow> {
  const row = { ...endpoint, id: newHexId() };
  await catalog.insert('endpoints', row);
  return row;
}

export async function updateEndpoint(
  { catalog }: DirectoryNeeds,
  id: string,
  changes: Partial<Omit<EndpointRow, 'id'>>,
): Promise<EndpointRow> {
  const row = orNotFound(await catalog.find('endpoints', { id }), 'endpoint', id);
  if (Object.keys(changes).length === 0) return row;
  return orNotFound(await catalog.change('endpoints', { id }, changes), 'endpoint', id);
}

export async function deleteEndpoint({ catalog }: DirectoryNeeds, id: string): Promise<void> {
  const removed = await catalog.remove('endpoints', { id });
  orNotFound(removed === 0 ? undefined : removed, 'endpoint', id);
}

/** For a region whose client gave it no name. */
export const newRegionId = newHexId;

export async function createRegion(
  { catalog }: DirectoryNeeds,
  region: RegionRow,
): Promise<RegionRow> {
  await unique('region', region.id, catalog.insert('regions', region));
  return region;
}

export async function updateRegion(
  { catalog }: DirectoryNeeds,
  id: string,
  changes: Partial<Omit<RegionRow, 'id'>>,
): Promise<RegionRow> {
  const row = orNotFound(await catalog.find('regions', { id }), 'region', id);
  if (Object.keys(changes).length === 0) return row;
  return orNotFound(await catalog.change('regions', { id }, changes), 'region', id);
}

/** Rejects with `conflict` while endpoints are in it or regions below it. */
export async function deleteRegion({ catalog }: DirectoryNeeds, id: string): Promise<void> {
  await catalog.transact(async (transaction) => {
    orNotFound(await transaction.find('regions', { id }), 'region', id);
    const endpoints = await transaction.count('endpoints', { regionId: id });
    const below = await transaction.count('regions', { parentRegionId: id });
    if (endpoints + below > 0) {
      throw new OperatingError('conflict', `Region ${id} has endpoints, or regions below it.`);
    }
    await transaction.remove('regions', { id });
  });
}
