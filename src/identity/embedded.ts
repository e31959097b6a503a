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
import type { ApplicationCredentialRow, TokenRow, UserRow } from '../catalog/identity-tables.ts';
import { CredentialCheck, credentialFacts } from './credential-check.ts';
import type { Identity, Login, LoginMethod, LoginScope, TokenFacts } from './identity.ts';
import { PasswordCheck } from './password-check.ts';
import { VerifiedSecrets } from './verified-secrets.ts';
import { findDomain, findProject } from './references.ts';
import {
  type Standing,
  standingInDomain,
  standingInProject,
  standingInSystem,
  standingUser,
  unscoped,
} from './standing.ts';
import { newToken, tokenId } from './token.ts';
import { TokenCache } from './token-cache.ts';

const purgeIntervalMs = 10 * 60_000;

/** For how long an expired token is good beside that of a service; Keystone's default. */
export const expiredForMs = 48 * 60 * 60_000;

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
  readonly credential: ApplicationCredentialRow | undefined;
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
  readonly #credentials: CredentialCheck;
  readonly #cache: TokenCache;
  #purgedAt = 0;

  constructor(parts: EmbeddedIdentityParts) {
    this.#catalog = parts.catalog;
    this.#clock = parts.clock;
    this.#tokenLifetimeMs = parts.tokenLifetimeMs ?? defaultTokenLifetimeMs;
    const verified = new VerifiedSecrets(parts.clock);
    this.#passwords = new PasswordCheck(parts.catalog, parts.clock, verified);
    this.#credentials = new CredentialCheck(parts.catalog, parts.clock, verified);
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
    const standing = await this.#standingFor(row, scope, proof.credential);
    const auditId = newSecret(16);
    const facts: TokenFacts = {
      methods: proof.methods,
      auditId,
      chainId: proof.chainId ?? auditId,
      issuedAt: this.#clock.now(),
      expiresAt: proof.expiresAt,
      user,
      ...standing,
      applicationCredential: await credentialFacts(this.#catalog, proof.credential),
    };
    const token = newToken();
    await this.#catalog.insert('tokens', {
      id: tokenId(token),
      auditId: facts.auditId,
      chainId: facts.chainId,
      userId: user.id,
      projectId: facts.project?.id ?? null,
      domainId: facts.domain?.id ?? null,
      system: facts.system,
      applicationCredentialId: proof.credential?.id ?? null,
      methods: [...facts.methods],
      issuedAt: facts.issuedAt,
      expiresAt: facts.expiresAt,
      revokedAt: null,
    });
    return { token, facts };
  }

  async validate(
    token: string,
    { allowExpired = false }: { allowExpired?: boolean } = {},
  ): Promise<TokenFacts> {
    const id = tokenId(token);
    const graceMs = allowExpired ? expiredForMs : 0;
    return this.#cache.get(id) ?? (await this.#cache.fill(id, () => this.#read(id, graceMs)));
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

  /** Whoever asks: the catalogue knows. */
  async hasProject(projectId: string): Promise<boolean> {
    return (await this.#catalog.find('projects', { id: projectId })) !== undefined;
  }

  forget(): void {
    this.#cache.forgetAll();
  }

  async #prove(how: LoginMethod, lifetimeMs: number): Promise<Proof> {
    const expiresAt = this.#clock.now() + lifetimeMs;
    if (how.method === 'password') {
      const user = orRefuse(await this.#passwords.check(how.user, how.password));
      const methods = ['password'];
      return { userId: user.id, methods, expiresAt, chainId: undefined, credential: undefined };
    }
    if (how.method === 'application_credential') {
      const credential = orRefuse(await this.#credentials.check(how.credential, how.secret));
      return {
        userId: credential.userId,
        methods: ['application_credential'],
        expiresAt: Math.min(expiresAt, credential.expiresAt ?? Infinity),
        chainId: undefined,
        credential,
      };
    }
    const row = orRefuse(await this.#liveToken(tokenId(how.token)));
    await this.#read(row.id);
    return {
      userId: row.userId,
      methods: [...new Set([...row.methods, 'token'])],
      expiresAt: row.expiresAt,
      chainId: row.chainId,
      credential: await this.#credentialOf(row),
    };
  }

  async #standingFor(
    user: UserRow,
    scope: LoginScope,
    credential: ApplicationCredentialRow | undefined,
  ): Promise<Standing> {
    const catalog = this.#catalog;
    if (credential !== undefined) return await this.#standingWith(credential, scope);
    if (scope === 'unscoped') return unscoped;
    if (scope === 'system') return orRefuse(await standingInSystem(catalog, user.id));
    if (scope === 'default') {
      if (user.defaultProjectId === null) return unscoped;
      const project = await catalog.find('projects', { id: user.defaultProjectId });
      return (await standingInProject(catalog, user.id, project)) ?? unscoped;
    }
    if ('domain' in scope) {
      const domain = await findDomain(catalog, scope.domain);
      return orRefuse(await standingInDomain(catalog, user.id, domain));
    }
    const project = await findProject(catalog, scope.project);
    return orRefuse(await standingInProject(catalog, user.id, project));
  }

  /** An application credential is for its own project, whatever scope is asked for. */
  async #standingWith(credential: ApplicationCredentialRow, scope: LoginScope): Promise<Standing> {
    const standing = await this.#credentials.standingOf(credential);
    if (scope === 'default') return orRefuse(standing);
    const wanted =
      typeof scope === 'object' && 'project' in scope
        ? await findProject(this.#catalog, scope.project)
        : undefined;
    return orRefuse(wanted?.id === credential.projectId ? standing : undefined);
  }

  async #read(id: string, graceMs = 0): Promise<TokenFacts> {
    const row = orRefuse(await this.#liveToken(id, graceMs));
    const userRow = await this.#catalog.find('users', { id: row.userId });
    const user = orRefuse(await standingUser(this.#catalog, userRow));
    const { auditId, chainId, methods, issuedAt, expiresAt } = row;
    const credential = await this.#credentialOf(row);
    const applicationCredential = await credentialFacts(this.#catalog, credential);
    const standing = orRefuse(await this.#standingOf(row, credential));
    const facts = { auditId, chainId, methods, issuedAt, expiresAt, user };
    return { ...facts, ...standing, applicationCredential };
  }

  async #standingOf(
    row: TokenRow,
    credential: ApplicationCredentialRow | undefined,
  ): Promise<Standing | undefined> {
    const catalog = this.#catalog;
    if (credential !== undefined) return await this.#credentials.standingOf(credential);
    if (row.system) return await standingInSystem(catalog, row.userId);
    if (row.domainId !== null) {
      const domain = await catalog.find('domains', { id: row.domainId });
      return await standingInDomain(catalog, row.userId, domain);
    }
    if (row.projectId === null) return unscoped;
    const project = await catalog.find('projects', { id: row.projectId });
    return await standingInProject(catalog, row.userId, project);
  }

  async #credentialOf(row: TokenRow): Promise<ApplicationCredentialRow | undefined> {
    const id = row.applicationCredentialId;
    return id === null ? undefined : orRefuse(await this.#credentials.find(id));
  }

  async #liveToken(id: string, graceMs = 0): Promise<TokenRow | undefined> {
    const expiresAt = { above: this.#clock.now() - graceMs };
    return await this.#catalog.find('tokens', { id, revokedAt: null, expiresAt });
  }

  async #purgeNowAndThen(): Promise<void> {
    const now = this.#clock.now();
    if (now < this.#purgedAt + purgeIntervalMs) return;
    this.#purgedAt = now;
    await this.#catalog.remove('tokens', { expiresAt: { atMost: now - expiredForMs } });
  }
}
