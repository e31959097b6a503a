/** Finds what a client names by id, or by name within a domain. */
import type { CatalogReader } from '../catalog/catalog.ts';
import type { DomainRow, ProjectRow, UserRow } from '../catalog/identity-tables.ts';
import type { DomainReference, Reference } from './identity.ts';

export async function findUser(
  catalog: CatalogReader,
  reference: Reference,
): Promise<UserRow | undefined> {
  const where = await within(catalog, reference);
  return where && (await catalog.find('users', where));
}

export async function findProject(
  catalog: CatalogReader,
  reference: Reference,
): Promise<ProjectRow | undefined> {
  const where = await within(catalog, reference);
  return where && (await catalog.find('projects', where));
}

async function within(
  catalog: CatalogReader,
  reference: Reference,
): Promise<{ id: string } | { name: string; domainId: string } | undefined> {
  if ('id' in reference) return { id: reference.id };
  const domain = await findDomain(catalog, reference.domain);
  return domain && { name: reference.name, domainId: domain.id };
}

export async function findDomain(
  catalog: CatalogReader,
  domain: DomainReference,
): Promise<DomainRow | undefined> {
  const where = 'id' in domain ? { id: domain.id } : { name: domain.name };
  return await catalog.find('domains', where);
}
