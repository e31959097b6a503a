import type { Clock } from '../base/clock.ts';
import { newHexId } from '../base/ids.ts';
import type { Catalog, CatalogWriter } from '../catalog/catalog.ts';
import { must } from '../base/assert.ts';
import { assignment, systemId } from './assignment.ts';
import { adminRoleName, roleNames } from './roles.ts';
import { hashPassword } from './password.ts';

export const defaultDomainId = 'default';
export const adminUserName = 'admin';
export const adminProjectName = 'admin';

export interface Bootstrapped {
  /** False when everything was there already, and nothing was changed. */
  readonly made: boolean;
  readonly domainId: string;
  readonly projectId: string;
  readonly userId: string;
}

/**
 * Makes the first domain, the roles, the project `admin`, and the user `admin` with `password` and
 * every role on that project and `admin` on the system: all or nothing. A catalogue that has a
 * domain is left as it is, its password too.
 */
export async function bootstrap(
  catalog: Catalog,
  options: { password: string; clock: Clock },
): Promise<Bootstrapped> {
  const passwordHash = await hashPassword(options.password);
  return await catalog.transact(async (transaction) => {
    if ((await transaction.count('domains', {})) > 0) return await existing(transaction);
    const createdAt = options.clock.now();
    return await makeFirst(transaction, passwordHash, createdAt);
  });
}

async function existing(transaction: CatalogWriter): Promise<Bootstrapped> {
  const domainId = defaultDomainId;
  const project = await transaction.find('projects', { domainId, name: adminProjectName });
  const user = await transaction.find('users', { domainId, name: adminUserName });
  return {
    made: false,
    domainId,
    projectId: must(project, 'the first project').id,
    userId: must(user, 'the first user').id,
  };
}

async function makeFirst(
  transaction: CatalogWriter,
  passwordHash: string,
  createdAt: number,
): Promise<Bootstrapped> {
  const [domainId, projectId, userId] = [defaultDomainId, newHexId(), newHexId()];
  await transaction.insert('domains', {
    id: domainId,
    name: 'Default',
    description: 'The default domain',
    enabled: true,
  });
  await transaction.insert('projects', {
    id: projectId,
    domainId,
    name: adminProjectName,
    description: 'The first project',
    enabled: true,
    parentId: null,
    tags: [],
    extra: {},
    createdAt,
  });
  await transaction.insert('users', {
    id: userId,
    domainId,
    name: adminUserName,
    passwordHash,
    enabled: true,
    defaultProjectId: projectId,
    failedLogins: 0,
    lockedUntil: null,
    extra: {},
    createdAt,
  });
  for (const name of roleNames) {
    const roleId = newHexId();
    await transaction.insert('roles', { id: roleId, name, description: null });
    const user = { actorKind: 'user', actorId: userId, roleId, inherited: false } as const;
    const onProject = assignment({ ...user, targetKind: 'project', targetId: projectId });
    await transaction.insert('roleAssignments', onProject);
    if (name !== adminRoleName) continue;
    const onSystem = assignment({ ...user, targetKind: 'system', targetId: systemId });
    await transaction.insert('roleAssignments', onSystem);
  }
  return { made: true, domainId, projectId, userId };
}
