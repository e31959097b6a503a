import type { Caller } from './caller.ts';

/** What a token says; times are milliseconds since 1970-01-01 UTC. */
export interface TokenFacts {
  readonly methods: readonly string[];
  readonly auditId: string;
  /** The audit id of the first token of the login that it comes from. */
  readonly chainId: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly user: { readonly id: string; readonly name: string; readonly domain: NamedId };
  /** Undefined when the token is unscoped. */
  readonly project: (NamedId & { readonly domain: NamedId }) | undefined;
  /** Empty when the token is unscoped. */
  readonly roles: readonly NamedId[];
}

export interface NamedId {
  readonly id: string;
  readonly name: string;
}

/** A user, project or domain, named by id, or by name within a domain. */
export type Reference =
  | { readonly id: string }
  | { readonly name: string; readonly domain: { readonly id: string } | { readonly name: string } };

export type LoginMethod =
  | { readonly method: 'password'; readonly user: Reference; readonly password: string }
  | { readonly method: 'token'; readonly token: string };

/**
 * `project`: that project. `unscoped`: none, even if the user has a default one. `default`: the
 * user's default project, or none.
 */
export type LoginScope = { readonly project: Reference } | 'unscoped' | 'default';

/**
 * Tells who a caller is. All failures to do so are `unauthenticated`, in words that do not say
 * which part was wrong.
 */
export interface Identity {
  /** With `lifetimeMs` a first token lives that long; one made from a token never outlives it. */
  login(
    how: LoginMethod,
    scope: LoginScope,
    options?: { readonly lifetimeMs?: number },
  ): Promise<Login>;
  /**
   * What the token says; rejects for one that is unknown, expired or revoked, or whose user,
   * project or role is gone.
   */
  validate(token: string): Promise<TokenFacts>;
  revoke(token: string): Promise<void>;
  /** Revokes the token and all that come from the same login. */
  revokeLogin(token: string): Promise<void>;
}

export interface Login {
  readonly token: string;
  readonly facts: TokenFacts;
}

/** The caller whom a token scoped to a project names; undefined when it is unscoped. */
export function callerOf(facts: TokenFacts, requestId: string): Caller | undefined {
  if (facts.project === undefined) return undefined;
  return {
    userId: facts.user.id,
    userName: facts.user.name,
    projectId: facts.project.id,
    projectName: facts.project.name,
    roles: facts.roles.map((role) => role.name),
    requestId,
  };
}
