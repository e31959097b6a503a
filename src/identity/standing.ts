/**
 * How a user or a project stands now: there, enabled, in an enabled domain, and with which roles.
 * Tokens are checked against it each time, so that they never say more than is true.
 */
import type { CatalogReader } from '../catalog/catalog.ts';
import type { DomainRow, ProjectRow, UserRow } from '../catalog/identity-tables.ts';
import type { NamedId, TokenFacts } from './identity.ts';

/** More roles than a user can have on one project in practice. */
const roleCountMax = 100;

function named({ id, name }: NamedId): NamedId {
  return { id, name };
}

async function enabledDomain(catalog: CatalogReader, id: string): Promise<DomainRow | undefined> {
  return await catalog.find('domains', { id, enabled: true });
}

/** The user as tokens name him; undefined when he may not log in. */
export async function standingUser(
  catalog: CatalogReader,
  user: UserRow | undefined,
): Promise<TokenFacts['user'] | undefined> {
  if (user === undefined || !user.enabled) return undefined;
  const domain = await enabledDomain(catalog, user.domainId);
  return domain && { ...named(user), domain: named(domain) };
}

export type StandingScope = Pick<TokenFacts, 'roles'> & {
  readonly project: NonNullable<TokenFacts['project']>;
};

/**
 * The project as tokens name it, with the user's roles on it; undefined when he may not work there.
 */
export async function standingScope(
  catalog: CatalogReader,
  userId: string,
  project: ProjectRow | undefined,
): Promise<StandingScope | undefined> {
  if (project === undefined || !project.enabled) return undefined;
  const domain = await enabledDomain(catalog, project.domainId);
  if (domain === undefined) return undefined;
  const assignments = await catalog.list('roleAssignments', {
    where: { userId, projectId: project.id },
    limit: roleCountMax,
  });
  const roles = await catalog.list('roles', {
    where: { id: assignments.map(({ roleId }) => roleId) },
    sort: [{ field: 'name', direction: 'asc' }],
    limit: roleCountMax,
  });
  if (roles.length === 0) return undefined;
  return { project: { ...named(project), domain: named(domain) }, roles: roles.map(named) };
}
