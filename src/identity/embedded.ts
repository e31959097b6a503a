/**
 * Identity built in: users, projects and roles of the catalogue.
 *
 * - Every refusal is `unauthenticated` in the same words, and a wrong password takes as long as an
 *   unknown user.
 * - A token that is made from a token ends when the first one ends, as in Keystone.
 * - A token is checked against the user, the project and the roles as they are now; what was
 *   checked a few seconds ago is believed, and a revocation in this process holds at once.
 */
import type { Clock } from '../base/clock.ts';
import { OperatingError } from '../base/errors.ts';
import { newSecret } from '../base/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { TokenRow } from '../catalog/identity-tables.ts';
import type { Identity, Login, LoginMethod, LoginScope, TokenFacts } from './identity.ts';
import { PasswordCheck } from './password-check.ts';
import { findProject } from './references.ts';
import { standingScope, standingUser, type StandingScope } from './standing.ts';
import { newToken, tokenId } from './token.ts';
import { TokenCache } from './token-cache.ts';

const purgeIntervalMs = 10 * 60_000;

/** Keystone's default. */
export const defaultTokenLifetimeMs = 60 * 60_000;

export function unauthenticated(): OperatingError {
  const words = 'The request you have made requires authentication.';
  return new OperatingError('unauthenticated', words);
}

function orRefuse<T>(value: T | undefined): T {
  if (value === undefined) throw unauthenticated();
  return value;
}

/** Who was proven to be there, how, and until when that is good. */
interface Proof {
  readonly userId: string;
  readonly methods: readonly string[];
  readonly expiresAt: number;
  /** Undefined when a new login begins. */
  readonly chainId: string | undefined;
}

export interface EmbeddedIdentityParts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly tokenLifetimeMs?: number;
}

export class EmbeddedIdentity implements Identity {
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #tokenLifetimeMs: number;
  readonly #passwords: PasswordCheck;
  readonly #cache: TokenCache;
  #purgedAt = 0;

  constructor(parts: EmbeddedIdentityParts) {
    this.#catalog = parts.catalog;
    this.#clock = parts.clock;
    this.#tokenLifetimeMs = parts.tokenLifetimeMs ?? defaultTokenLifetimeMs;
    this.#passwords = new PasswordCheck(parts.catalog, parts.clock);
    this.#cache = new TokenCache(parts.clock);
  }

  async login(
    how: LoginMethod,
    scope: LoginScope,
    options: { lifetimeMs?: number } = {},
  ): Promise<Login> {
    await this.#purgeNowAndThen();
    const proof = await this.#prove(how, options.lifetimeMs ?? this.#tokenLifetimeMs);
    const row = orRefuse(await this.#catalog.find('users', { id: proof.userId }));
    const user = orRefuse(await standingUser(this.#catalog, row));
    const standing = await this.#scopeFor(row, scope);
    const auditId = newSecret(16);
    const facts: TokenFacts = {
      methods: proof.methods,
      auditId,
      chainId: proof.chainId ?? auditId,
      issuedAt: this.#clock.now(),
      expiresAt: proof.expiresAt,
      user,
      project: standing?.project,
      roles: standing?.roles ?? [],
    };
    const token = newToken();
    await this.#catalog.insert('tokens', {
      id: tokenId(token),
      auditId: facts.auditId,
      chainId: facts.chainId,
      userId: user.id,
      projectId: facts.project?.id ?? null,
      domainId: null,
      system: false,
      applicationCredentialId: null,
      methods: [...facts.methods],
      issuedAt: facts.issuedAt,
      expiresAt: facts.expiresAt,
      revokedAt: null,
    });
    return { token, facts };
  }

  async validate(token: string): Promise<TokenFacts> {
    const id = tokenId(token);
    return this.#cache.get(id) ?? (await this.#cache.fill(id, () => this.#read(id)));
  }

  /** Rejects with `unauthenticated` for a token that is not valid. */
  async revoke(token: string): Promise<void> {
    const id = tokenId(token);
    const now = this.#clock.now();
    const revoked = await this.#catalog.change(
      'tokens',
      { id, revokedAt: null, expiresAt: { above: now } },
      { revokedAt: now },
    );
    this.#cache.forget(id);
    orRefuse(revoked);
  }

  async revokeLogin(token: string): Promise<void> {
    const row = orRefuse(await this.#liveToken(tokenId(token)));
    await this.#catalog.remove('tokens', { chainId: row.chainId });
    this.#cache.forgetAll();
  }

  async #prove(how: LoginMethod, lifetimeMs: number): Promise<Proof> {
    if (how.method === 'password') {
      const user = orRefuse(await this.#passwords.check(how.user, how.password));
      const expiresAt = this.#clock.now() + lifetimeMs;
      return { userId: user.id, methods: ['password'], expiresAt, chainId: undefined };
    }
    const { user, methods, expiresAt, chainId } = await this.#read(tokenId(how.token));
    return { userId: user.id, methods: [...new Set([...methods, 'token'])], expiresAt, chainId };
  }

  async #scopeFor(
    user: { id: string; defaultProjectId: string | null },
    scope: LoginScope,
  ): Promise<StandingScope | undefined> {
    if (scope === 'unscoped') return undefined;
    if (scope !== 'default') {
      const project = await findProject(this.#catalog, scope.project);
      return orRefuse(await standingScope(this.#catalog, user.id, project));
    }
    if (user.defaultProjectId === null) return undefined;
    const project = await this.#catalog.find('projects', { id: user.defaultProjectId });
    return await standingScope(this.#catalog, user.id, project);
  }

  async #read(id: string): Promise<TokenFacts> {
    const row = orRefuse(await this.#liveToken(id));
    const userRow = await this.#catalog.find('users', { id: row.userId });
    const user = orRefuse(await standingUser(this.#catalog, userRow));
    const { auditId, chainId, methods, issuedAt, expiresAt, projectId } = row;
    const facts = { auditId, chainId, methods, issuedAt, expiresAt, user };
    if (projectId === null) return { ...facts, project: undefined, roles: [] };
    const project = await this.#catalog.find('projects', { id: projectId });
    return { ...facts, ...orRefuse(await standingScope(this.#catalog, user.id, project)) };
  }

  async #liveToken(id: string): Promise<TokenRow | undefined> {
    const expiresAt = { above: this.#clock.now() };
    return await this.#catalog.find('tokens', { id, revokedAt: null, expiresAt });
  }

  async #purgeNowAndThen(): Promise<void> {
    const now = this.#clock.now();
    if (now < this.#purgedAt + purgeIntervalMs) return;
    this.#purgedAt = now;
    await this.#catalog.remove('tokens', { expiresAt: { atMost: now } });
  }
}
