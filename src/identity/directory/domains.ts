/** Domains. What is in a disabled one cannot log in; one has to be disabled to be deleted. */
import { OperatingError } from '../../base/errors.ts';
import { newHexId } from '../../base/ids.ts';
import type { Catalog, CatalogWriter } from '../../catalog/catalog.ts';
import type { DomainRow } from '../../catalog/identity-tables.ts';
import { defaultDomainId } from '../bootstrap.ts';
import { orNotFound, unique } from './faults.ts';
import { removeProject } from './projects.ts';

const batch = 500;

interface Needs {
  readonly catalog: Catalog;
}

export async function createDomain(
  { catalog }: Needs,
  domain: Omit<DomainRow, 'id'>,
): Promise<DomainRow> {
  const row = { ...domain, id: newHexId() };
  await unique('domain', row.name, catalog.insert('domains', row));
  return row;
}

export async function updateDomain(
  { catalog }: Needs,
  id: string,
  changes: Partial<Omit<DomainRow, 'id'>>,
): Promise<DomainRow> {
  const row = orNotFound(await catalog.find('domains', { id }), 'domain', id);
  if (id === defaultDomainId && changes.enabled === false) {
    throw new OperatingError('forbidden', 'The default domain cannot be disabled.');
  }
  if (Object.keys(changes).length === 0) return row;
  const work = catalog.change('domains', { id }, changes);
  return orNotFound(await unique('domain', changes.name ?? id, work), 'domain', id);
}

/** Removes a domain with its projects, users and groups. */
export async function deleteDomain({ catalog }: Needs, id: string): Promise<void> {
  await catalog.transact(async (transaction) => {
    const row = orNotFound(await transaction.find('domains', { id }), 'domain', id);
    if (row.enabled) {
      throw new OperatingError(
        'forbidden',
        'Cannot delete a domain that is enabled, please disable it first.',
      );
    }
    await removeProjects(transaction, id);
    for (const table of ['users', 'userGroups'] as const) await removeAll(transaction, table, id);
    await transaction.remove('roleAssignments', { targetId: id });
    await transaction.remove('domains', { id });
  });
}

async function removeProjects(transaction: CatalogWriter, domainId: string): Promise<void> {
  for (;;) {
    const rows = await transaction.list('projects', { where: { domainId }, limit: batch });
    if (rows.length === 0) return;
    for (const row of rows) await removeProject(transaction, row.id);
  }
}

async function removeAll(
  transaction: CatalogWriter,
  table: 'users' | 'userGroups',
  domainId: string,
): Promise<void> {
  for (;;) {
    const rows = await transaction.list(table, { where: { domainId }, limit: batch });
    if (rows.length === 0) return;
    const ids = rows.map(({ id }) => id);
    await transaction.remove('roleAssignments', { actorId: ids });
    await transaction.remove(table, { id: ids });
  }
}
