/**
 * How a user, a project or a domain stands now: there, enabled, in an enabled domain, and with
 * which roles. Tokens are checked against it each time, so that they never say more than is true.
 */
import type { CatalogReader } from '../catalog/catalog.ts';
import type { DomainRow, ProjectRow, UserRow } from '../catalog/identity-tables.ts';
import { systemId } from './assignment.ts';
import type { NamedId, TokenFacts } from './identity.ts';
import { withImplied } from './roles.ts';

/** More than a user can have in practice: groups, roles on one target. */
const countMax = 200;

/** How deep projects may lie below each other. */
export const projectDepthMax = 5;

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

/** What a token is for. */
export type Standing = Pick<TokenFacts, 'project' | 'domain' | 'system' | 'roles'>;

export const unscoped: Standing = {
  project: undefined,
  domain: undefined,
  system: false,
  roles: [],
};

/** A user's standing in a project; undefined when he may not work there. */
export async function standingInProject(
  catalog: CatalogReader,
  userId: string,
  project: ProjectRow | undefined,
): Promise<Standing | undefined> {
  if (project === undefined || !project.enabled) return undefined;
  const domain = await enabledDomain(catalog, project.domainId);
  if (domain === undefined) return undefined;
  const above = [...(await ancestorsOf(catalog, project)), domain.id];
  const roles = await rolesOn(catalog, userId, { targetId: project.id, above });
  if (roles.length === 0) return undefined;
  return { ...unscoped, project: { ...named(project), domain: named(domain) }, roles };
}

/** A user's standing in a domain itself; undefined when he has none. */
export async function standingInDomain(
  catalog: CatalogReader,
  userId: string,
  domain: DomainRow | undefined,
): Promise<Standing | undefined> {
  if (domain === undefined || !domain.enabled) return undefined;
  const roles = await rolesOn(catalog, userId, { targetId: domain.id, above: [] });
  return roles.length === 0 ? undefined : { ...unscoped, domain: named(domain), roles };
}

/** A user's standing for the system as a whole. */
export async function standingInSystem(
  catalog: CatalogReader,
  userId: string,
): Promise<Standing | undefined> {
  const roles = await rolesOn(catalog, userId, { targetId: systemId, above: [] });
  return roles.length === 0 ? undefined : { ...unscoped, system: true, roles };
}

/** Ids of the projects that a project is below, the nearest first. */
export async function ancestorsOf(
  catalog: CatalogReader,
  project: Pick<ProjectRow, 'parentId'>,
): Promise<string[]> {
  const ids: string[] = [];
  let { parentId } = project;
  while (parentId !== null && ids.length < projectDepthMax) {
    ids.push(parentId);
    parentId = (await catalog.find('projects', { id: parentId }))?.parentId ?? null;
  }
  return ids;
}

/** The user and the groups that he is in: whose assignments are his. */
export async function actorsOf(catalog: CatalogReader, userId: string): Promise<string[]> {
  const members = await catalog.list('groupMembers', { where: { userId }, limit: countMax });
  return [userId, ...members.map(({ userGroupId }) => userGroupId)];
}

/** The roles by name, those given on the target, those inherited from above, and the implied. */
async function rolesOn(
  catalog: CatalogReader,
  userId: string,
  { targetId, above }: { targetId: string; above: readonly string[] },
): Promise<NamedId[]> {
  const rows = await catalog.list('roleAssignments', {
    where: { actorId: await actorsOf(catalog, userId), targetId: [targetId, ...above] },
    limit: countMax,
  });
  const holding = rows.filter((row) => row.inherited !== (row.targetId === targetId));
  if (holding.length === 0) return [];
  const given = await rolesBy(catalog, { id: [...new Set(holding.map(({ roleId }) => roleId))] });
  const names = given.map(({ name }) => name);
  const missing = [...withImplied(names)].filter((name) => !names.includes(name));
  const implied = missing.length === 0 ? [] : await rolesBy(catalog, { name: missing });
  return [...given, ...implied].sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function rolesBy(
  catalog: CatalogReader,
  where: { id: string[] } | { name: string[] },
): Promise<NamedId[]> {
  const rows = await catalog.list('roles', { where, limit: countMax });
  return rows.map(named);
}
