/** Users. Whoever is deleted or disabled, or gets another password, has no valid token any more. */
import type { Clock } from '../../base/clock.ts';
import { OperatingError } from '../../base/errors.ts';
import { newHexId } from '../../base/ids.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { UserRow } from '../../catalog/identity-tables.ts';
import { hashPassword, noPassword } from '../password.ts';
import { orNotFound, unique } from './faults.ts';

export interface DirectoryNeeds {
  readonly catalog: Catalog;
  readonly clock: Clock;
}

/** Null: the user cannot log in with a password. */
type Password = string | null;

export interface NewUser {
  readonly name: string;
  readonly domainId: string;
  readonly password: Password;
  readonly enabled: boolean;
  readonly defaultProjectId: string | null;
  readonly extra: JsonObject;
}

async function hashOf(password: Password): Promise<string> {
  return password === null ? noPassword : await hashPassword(password);
}

export async function createUser(
  { catalog, clock }: DirectoryNeeds,
  user: NewUser,
): Promise<UserRow> {
  const { password, ...facts } = user;
  orNotFound(await catalog.find('domains', { id: user.domainId }), 'domain', user.domainId);
  const row: UserRow = {
    ...facts,
    id: newHexId(),
    passwordHash: await hashOf(password),
    failedLogins: 0,
    lockedUntil: null,
    createdAt: clock.now(),
  };
  await unique('user', user.name, catalog.insert('users', row));
  return row;
}

export type UserChanges = Partial<Omit<NewUser, 'domainId'>>;

export async function updateUser(
  { catalog }: DirectoryNeeds,
  id: string,
  { password, extra, ...changes }: UserChanges,
): Promise<UserRow> {
  const secret =
    password === undefined
      ? {}
      : { passwordHash: await hashOf(password), failedLogins: 0, lockedUntil: null };
  const work = catalog.transact(async (transaction) => {
    const row = orNotFound(await transaction.find('users', { id }), 'user', id);
    const merged = { ...changes, ...secret, extra: { ...row.extra, ...extra } };
    const ends = password !== undefined || changes.enabled === false;
    if (ends) await transaction.remove('tokens', { userId: id });
    return orNotFound(await transaction.change('users', { id }, merged), 'user', id);
  });
  return await unique('user', changes.name ?? id, work);
}

/** Removes a user with tokens, roles, memberships and application credentials. */
export async function deleteUser({ catalog }: DirectoryNeeds, id: string): Promise<void> {
  await catalog.transact(async (transaction) => {
    orNotFound(await transaction.find('users', { id }), 'user', id);
    await transaction.remove('roleAssignments', { actorId: id });
    await transaction.remove('users', { id });
  });
}

/**
 * Gives a user, who has just proven to know the old password, another one; all tokens end. Rejects
 * with `invalid_input` when it is the same.
 */
export async function changeOwnPassword(
  needs: DirectoryNeeds,
  id: string,
  passwords: { original: string; password: string },
): Promise<void> {
  if (passwords.original === passwords.password) {
    throw new OperatingError('invalid_input', 'The new password must differ from the old one.');
  }
  await updateUser(needs, id, { password: passwords.password });
}
