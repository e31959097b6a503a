/** People, projects and an identity to test the HTTP faces with: passwords are `<name>-pw`. */
import { OperatingError } from '../../base/errors.ts';
import type { CatalogWriter } from '../../catalog/catalog.ts';
import type { Identity, LoginMethod, NamedId, TokenFacts } from '../../identity/identity.ts';

const domain: NamedId = { id: 'default', name: 'Default' };

interface Person extends NamedId {
  readonly project: NamedId;
  readonly role: NamedId;
}

const alpha: NamedId = { id: 'a'.repeat(32), name: 'alpha' };
const beta: NamedId = { id: 'b'.repeat(32), name: 'beta' };
const roles = {
  admin: { id: '1'.repeat(32), name: 'admin' },
  member: { id: '2'.repeat(32), name: 'member' },
  reader: { id: '3'.repeat(32), name: 'reader' },
};

/** `ann` is an admin and `max` a member in `alpha`, `rea` reads there, `bob` is a member in `beta`. */
export const people: readonly Person[] = [
  { id: 'f1'.repeat(16), name: 'ann', project: alpha, role: roles.admin },
  { id: 'f2'.repeat(16), name: 'max', project: alpha, role: roles.member },
  { id: 'f3'.repeat(16), name: 'rea', project: alpha, role: roles.reader },
  { id: 'f4'.repeat(16), name: 'bob', project: beta, role: roles.member },
];

export async function seedDirectory(catalog: CatalogWriter): Promise<void> {
  const createdAt = 0;
  await catalog.insert('domains', { ...domain, description: '', enabled: true });
  for (const project of [alpha, beta]) {
    const rest = { description: '', enabled: true, createdAt };
    await catalog.insert('projects', { ...project, domainId: domain.id, ...rest });
  }
  for (const role of Object.values(roles)) await catalog.insert('roles', role);
  for (const { id, name, project, role } of people) {
    await catalog.insert('users', {
      id,
      name,
      domainId: domain.id,
      passwordHash: 'unused',
      enabled: true,
      defaultProjectId: project.id,
      failedLogins: 0,
      lockedUntil: null,
      createdAt,
    });
    await catalog.insert('roleAssignments', {
      id: `${id}:${project.id}:${role.id}`,
      userId: id,
      projectId: project.id,
      roleId: role.id,
    });
  }
}

function refused(): OperatingError {
  const message = 'The request you have made requires authentication.';
  return new OperatingError('unauthenticated', message);
}

/** An identity in memory that knows `people`; tokens count up and do not expire. */
export function makeFakeIdentity(): Identity {
  const tokens = new Map<string, TokenFacts>();
  let count = 0;

  function personFor(how: LoginMethod): Person {
    const person =
      how.method === 'token'
        ? people.find(({ id }) => id === tokens.get(how.token)?.user.id)
        : people.find(
            ({ id, name }) =>
              ('id' in how.user ? how.user.id === id : how.user.name === name) &&
              how.password === `${name}-pw`,
          );
    if (person === undefined) throw refused();
    return person;
  }

  return {
    login: async (how, scope) => {
      const { id, name, project, role } = personFor(how);
      const asked = typeof scope === 'string' ? undefined : scope.project;
      const fits =
        asked === undefined ||
        ('id' in asked ? asked.id === project.id : asked.name === project.name);
      if (!fits) throw refused();
      count += 1;
      const token = `token-${count}`;
      const facts: TokenFacts = {
        methods: [how.method],
        auditId: `audit-${count}`,
        issuedAt: 1_800_000_000_000,
        expiresAt: 4_000_000_000_000,
        user: { id, name, domain },
        project: scope === 'unscoped' ? undefined : { ...project, domain },
        roles: scope === 'unscoped' ? [] : [role],
      };
      tokens.set(token, facts);
      return { token, facts };
    },
    validate: async (token) => {
      const facts = tokens.get(token);
      if (facts === undefined) throw refused();
      return facts;
    },
    revoke: async (token) => {
      tokens.delete(token);
    },
  };
}
