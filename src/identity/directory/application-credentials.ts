/** Application credentials: a user's own, for one project, with roles that he has there. */
import { OperatingError } from '../../base/errors.ts';
import { newHexId, newSecret } from '../../base/ids.ts';
import type { AccessRuleRow, ApplicationCredentialRow } from '../../catalog/identity-tables.ts';
import type { NamedId, TokenFacts } from '../identity.ts';
import { hashPassword } from '../password.ts';
import { invalid, notFound, orNotFound, unique } from './faults.ts';
import type { DirectoryNeeds } from './users.ts';

export interface NewApplicationCredential {
  readonly name: string;
  readonly description: string | null;
  /** Undefined: a random one is made. */
  readonly secret: string | undefined;
  /** Milliseconds; null: it does not expire. */
  readonly expiresAt: number | null;
  readonly unrestricted: boolean;
  /** Undefined: all roles of the token. */
  readonly roles: readonly ({ id: string } | { name: string })[] | undefined;
  readonly accessRules: readonly (Omit<AccessRuleRow, 'id' | 'userId'> | { id: string })[];
}

/** The credential, and its secret, which is known this once. */
export async function createApplicationCredential(
  { catalog, clock }: DirectoryNeeds,
  facts: TokenFacts,
  wanted: NewApplicationCredential,
): Promise<{ row: ApplicationCredentialRow; rules: AccessRuleRow[]; secret: string }> {
  const { user, project } = facts;
  if (project === undefined) {
    throw new OperatingError('invalid_input', 'The token is not scoped to a project.');
  }
  if (wanted.expiresAt !== null && wanted.expiresAt <= clock.now()) {
    throw invalid('expires_at', 'it has passed already');
  }
  const roleIds = chosenRoles(facts.roles, wanted.roles);
  const secret = wanted.secret ?? newSecret(48);
  const secretHash = await hashPassword(secret);
  const { name, description, expiresAt, unrestricted } = wanted;
  const work = catalog.transact(async (transaction) => {
    const rules: AccessRuleRow[] = [];
    for (const rule of wanted.accessRules) {
      if ('id' in rule) {
        const known = await transaction.find('accessRules', { id: rule.id, userId: user.id });
        rules.push(orNotFound(known, 'access rule', rule.id));
        continue;
      }
      const known = await transaction.find('accessRules', { ...rule, userId: user.id });
      const row = known ?? { ...rule, id: newHexId(), userId: user.id };
      if (known === undefined) await transaction.insert('accessRules', row);
      rules.push(row);
    }
    const row: ApplicationCredentialRow = {
      id: newHexId(),
      userId: user.id,
      projectId: project.id,
      name,
      description,
      secretHash,
      roleIds,
      unrestricted,
      accessRules: rules.map(({ id }) => id),
      expiresAt,
      createdAt: clock.now(),
    };
    await transaction.insert('applicationCredentials', row);
    return { row, rules, secret };
  });
  return await unique('application credential', name, work);
}

/** Rejects with `invalid_input` a role that the token does not have. */
function chosenRoles(own: readonly NamedId[], wanted: NewApplicationCredential['roles']): string[] {
  if (wanted === undefined || wanted.length === 0) return own.map(({ id }) => id);
  return wanted.map((role) => {
    const found = own.find((each) =>
      'id' in role ? each.id === role.id : each.name === role.name,
    );
    if (found !== undefined) return found.id;
    const named = 'id' in role ? role.id : role.name;
    throw invalid('roles', `the role ${named} is none that you have in this project`);
  });
}

/** A credential of the user, by its id. */
export async function findApplicationCredential(
  { catalog }: DirectoryNeeds,
  userId: string,
  id: string,
): Promise<ApplicationCredentialRow> {
  const row = await catalog.find('applicationCredentials', { id, userId });
  return orNotFound(row, 'application credential', id);
}

/** Removes a credential; the tokens that were got with it end. */
export async function deleteApplicationCredential(
  { catalog }: DirectoryNeeds,
  userId: string,
  id: string,
): Promise<void> {
  await catalog.transact(async (transaction) => {
    const removed = await transaction.remove('applicationCredentials', { id, userId });
    if (removed === 0) throw notFound('application credential', id);
    await transaction.remove('tokens', { applicationCredentialId: id });
  });
}

/** Rejects with `forbidden` while a credential has the rule. */
export async function deleteAccessRule(
  { catalog }: DirectoryNeeds,
  userId: string,
  id: string,
): Promise<void> {
  await catalog.transact(async (transaction) => {
    orNotFound(await transaction.find('accessRules', { id, userId }), 'access rule', id);
    const credentials = await transaction.list('applicationCredentials', {
      where: { userId },
      limit: 1000,
    });
    if (credentials.some(({ accessRules }) => accessRules.includes(id))) {
      throw new OperatingError('forbidden', `Access rule ${id} is used by a credential.`);
    }
    await transaction.remove('accessRules', { id });
  });
}
