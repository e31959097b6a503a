import type { JsonValue } from '../base/json.ts';
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
  /** At most one of project, domain and system is the scope; an unscoped token has none. */
  readonly project: (NamedId & { readonly domain: NamedId }) | undefined;
  readonly domain: NamedId | undefined;
  readonly system: boolean;
  /** Empty when the token is unscoped. */
  readonly roles: readonly NamedId[];
  readonly applicationCredential: ApplicationCredentialFacts | undefined;
  /** The services as a Keystone told them; undefined: those of the built-in identity. */
  readonly services?: JsonValue;
}

/** What a token says of the application credential that it was got with. */
export interface ApplicationCredentialFacts {
  readonly id: string;
  readonly name: string;
  readonly unrestricted: boolean;
  /** A request must meet one of them; empty: none is asked for. */
  readonly accessRules: readonly AccessRule[];
}

export interface AccessRule {
  readonly id: string;
  readonly service: string;
  readonly method: string;
  readonly path: string;
}

export interface NamedId {
  readonly id: string;
  readonly name: string;
}

/** A user, project or domain, named by id, or by name within a domain. */
export type Reference =
  | { readonly id: string }
  | { readonly name: string; readonly domain: DomainReference };

export type DomainReference = { readonly id: string } | { readonly name: string };

export type LoginMethod =
  | { readonly method: 'password'; readonly user: Reference; readonly password: string }
  | { readonly method: 'token'; readonly token: string }
  | {
      readonly method: 'application_credential';
      readonly credential: { readonly id: string } | { readonly name: string; user: Reference };
      readonly secret: string;
    };

/**
 * `unscoped`: none, even if the user has a default project. `default`: that of the application
 * credential, or else the user's default project, or none.
 */
export type LoginScope =
  | { readonly project: Reference }
  | { readonly domain: DomainReference }
  | 'system'
  | 'unscoped'
  | 'default';

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
   * project or role is gone. With `allowExpired` one that has expired within two days is taken, as
   * by Keystone: services work for users longer than tokens live.
   */
  validate(token: string, options?: { readonly allowExpired?: boolean }): Promise<TokenFacts>;
  revoke(token: string): Promise<void>;
  /** Revokes the token and all that come from the same login. */
  revokeLogin(token: string): Promise<void>;
  /**
   * Whether there is a project with this id, as the bearer of the token may see. Rejects with
   * `forbidden` a bearer who may not.
   */
  hasProject(projectId: string, token: string): Promise<boolean>;
  /** Believes nothing any more of what it has looked up: something was changed. */
  forget(): void;
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
