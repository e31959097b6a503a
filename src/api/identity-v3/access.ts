import { OperatingError } from '../../base/errors.ts';
import type { TokenFacts } from '../../identity/identity.ts';
import { type Action, isAllowedTo } from '../../identity/policy.ts';

export type IdentityAction = Extract<Action, `identity:${string}`>;

export function hasRole(facts: TokenFacts, role: string): boolean {
  return facts.roles.some(({ name }) => name === role);
}

/**
 * Rejects with `forbidden`, in Keystone's words, unless `allowed`, or one of the token's roles may.
 * A reader of the whole system may read all.
 */
export function authorizeIdentity(
  facts: TokenFacts,
  action: IdentityAction,
  allowed = false,
): void {
  const reads = /^identity:(?:get|list|check)_/.test(action);
  if (allowed || (reads && facts.system && hasRole(facts, 'reader'))) return;
  const roles = facts.roles.map(({ name }) => name);
  if (isAllowedTo(roles, action)) return;
  throw new OperatingError(
    'forbidden',
    `You are not authorized to perform the requested action: ${action}.`,
  );
}
