/** People and projects to test the HTTP faces with. */
import type { CatalogWriter } from '../../catalog/catalog.ts';
import type { NamedId } from '../../identity/identity.ts';
import { assignment } from '../../identity/assignment.ts';
import { hashPassword } from '../../identity/password.ts';

const domain: NamedId = { id: 'default', name: 'Default' };

interface Person extends NamedId {
  readonly project: NamedId;
  readonly role: NamedId;
}

export const alpha: NamedId = { id: 'a'.repeat(32), name: 'alpha' };
export const beta: NamedId = { id: 'b'.repeat(32), name: 'beta' };
const roles = {
  admin: { id: '1'.repeat(32), name: 'admin' },
  member: { id: '2'.repeat(32), name: 'member' },
  reader: { id: '3'.repeat(32), name: 'reader' },
};

/** Everybody's password. */
export const password = 'correct-horse';

/** `ann` is an admin, `max` a member and `rea` a reader in `alpha`; `bob` is a member in `beta`. */
export const people: readonly Person[] = [
  { id: 'f1'.repeat(16), name: 'ann', project: alpha, role: roles.admin },
  { id: 'f2'.repeat(16), name: 'max', project: alpha, role: roles.member },
  { id: 'f3'.repeat(16), name: 'rea', project: alpha, role: roles.reader },
  { id: 'f4'.repeat(16), name: 'bob', project: beta, role: roles.member },
];

export async function seedDirectory(catalog: CatalogWriter): Promise<void> {
  const createdAt = 0;
  const passwordHash = await hashPassword(password);
  await catalog.insert('domains', { ...domain, description: '', enabled: true });
  for (const project of [alpha, beta]) {
    const rest = { description: '', enabled: true, parentId: null, tags: [], extra: {}, createdAt };
    await catalog.insert('projects', { ...project, domainId: domain.id, ...rest });
  }
  for (const role of Object.values(roles)) {
    await catalog.insert('roles', { ...role, description: null });
  }
  for (const { id, name, project, role } of people) {
    await catalog.insert('users', {
      id,
      name,
      domainId: domain.id,
      passwordHash,
      enabled: true,
      defaultProjectId: project.id,
      failedLogins: 0,
      lockedUntil: null,
      extra: {},
      createdAt,
    });
    const granted = assignment({
      actorKind: 'user',
      actorId: id,
      targetKind: 'project',
      targetId: project.id,
      roleId: role.id,
      inherited: false,
    });
    await catalog.insert('roleAssignments', granted);
  }
}
