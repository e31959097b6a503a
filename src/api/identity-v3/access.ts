import { OperatingError } from '../../base/errors.ts';
import type { TokenFacts } from '../../identity/identity.ts';

export function hasRole(facts: TokenFacts, role: string): boolean {
  return facts.roles.some(({ name }) => name === role);
}

/** Rejects with `forbidden`, in Keystone's words, unless `allowed` or the caller is an admin. */
export function mayRead(facts: TokenFacts, action: string, allowed = false): void {
  if (allowed || hasRole(facts, 'admin')) return;
  throw new OperatingError(
    'forbidden',
    `You are not authorized to perform the requested action: identity:${action}.`,
  );
}
