/**
 * Identity of an existing cloud: tokens are validated by its Keystone (Identity v3, Keystone 22).
 *
 * - Firn asks as a user of its own, with a token that it renews before it ends, or when Keystone
 *   does not take it any more.
 * - What Keystone said of a token is believed for a while that is bounded, as by its own
 *   middleware: a revocation at Keystone holds here when that while is over.
 * - An answer that is not a clear no makes the request `unavailable`, and nobody is let in or out.
 */
import type { Clock } from '../base/clock.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/json.ts';
import { unauthenticated } from './embedded.ts';
import type { Identity, Login, LoginMethod, LoginScope, TokenFacts } from './identity.ts';
import { authBody } from './keystone-auth.ts';
import { factsOf } from './keystone-facts.ts';
import { tokenId } from './token.ts';
import { TokenCache } from './token-cache.ts';

export interface KeystoneParts {
  /** Identity v3, without a slash at the end: `https://keystone.example/v3`. */
  readonly url: string;
  /** The user as whom Firn asks; has to have a role that may validate tokens. */
  readonly service: { readonly how: LoginMethod; readonly scope: LoginScope };
  readonly clock: Clock;
  /** For how long an answer is believed, in milliseconds. */
  readonly believedMs?: number;
  readonly timeoutMs?: number;
}

/** As in the middleware of OpenStack's services, whose default is five minutes, but sooner. */
export const keystoneBelievedMs = 60_000;

const timeoutMsDefault = 15_000;
const answerBytesMax = 4 * 1024 * 1024;

/** The own token is renewed this long before it ends. */
const renewBeforeMs = 60_000;

interface Answer {
  readonly status: number;
  readonly body: JsonValue;
  /** `X-Subject-Token`. */
  readonly token: string | undefined;
}

export class KeystoneIdentity implements Identity {
  readonly #parts: KeystoneParts;
  readonly #cache: TokenCache;
  #own: Login | undefined;

  constructor(parts: KeystoneParts) {
    this.#parts = parts;
    this.#cache = new TokenCache(parts.clock, parts.believedMs ?? keystoneBelievedMs);
  }

  /** Logs somebody in at Keystone; how long the token lives is for Keystone to say. */
  async login(how: LoginMethod, scope: LoginScope): Promise<Login> {
    const answer = await this.#ask('POST', '/auth/tokens', { body: authBody(how, scope) });
    if (answer.status !== 201 || answer.token === undefined) throw refusalOf(answer);
    return { token: answer.token, facts: factsOf(answer.body) };
  }

  async validate(
    token: string,
    { allowExpired = false }: { allowExpired?: boolean } = {},
  ): Promise<TokenFacts> {
    const id = tokenId(token);
    const known = this.#cache.get(id);
    if (known !== undefined) return known;
    const query = allowExpired ? '?allow_expired=1' : '';
    return await this.#cache.fill(id, () => this.#validateNow(token, query));
  }

  async revoke(token: string): Promise<void> {
    await this.#withOwn(async (own) => {
      const answer = await this.#ask('DELETE', '/auth/tokens', { own, subject: token });
      if (answer.status === 404) throw unauthenticated();
      if (answer.status !== 204) throw refusalOf(answer);
    });
    this.#cache.forget(tokenId(token));
  }

  /** Keystone revokes one token at a time: those that were made from it end on their own. */
  async revokeLogin(token: string): Promise<void> {
    await this.revoke(token);
    this.#cache.forgetAll();
  }

  /** Asks with the token of whoever wants to know, as Cinder does. */
  async hasProject(projectId: string, token: string): Promise<boolean> {
    const path = `/projects/${encodeURIComponent(projectId)}`;
    const answer = await this.#ask('GET', path, { own: token }).catch((error: unknown) => {
      throw error instanceof OwnTokenRefused ? unauthenticated() : error;
    });
    if (answer.status === 200 || answer.status === 404) return answer.status === 200;
    if (answer.status === 403) throw forbidden();
    throw refusalOf(answer);
  }

  forget(): void {
    this.#cache.forgetAll();
  }

  async #validateNow(token: string, query: '' | '?allow_expired=1'): Promise<TokenFacts> {
    const facts = await this.#withOwn(async (own) => {
      const answer = await this.#ask('GET', `/auth/tokens${query}`, { own, subject: token });
      if (answer.status === 404) throw unauthenticated();
      if (answer.status !== 200) throw refusalOf(answer);
      return factsOf(answer.body);
    });
    const hasExpired = facts.expiresAt <= this.#parts.clock.now();
    if (hasExpired && query === '') throw unauthenticated();
    return facts;
  }

  /** Works with the own token; once more with a new one when Keystone does not take it. */
  async #withOwn<T>(work: (own: string) => Promise<T>): Promise<T> {
    const first = await this.#ownToken();
    try {
      return await work(first);
    } catch (error) {
      if (!(error instanceof OwnTokenRefused)) throw error;
      this.#own = undefined;
      return await work(await this.#ownToken());
    }
  }

  async #ownToken(): Promise<string> {
    const now = this.#parts.clock.now();
    const known = this.#own;
    if (known !== undefined && now < known.facts.expiresAt - renewBeforeMs) return known.token;
    const { how, scope } = this.#parts.service;
    try {
      this.#own = await this.login(how, scope);
      return this.#own.token;
    } catch (error) {
      if (!isOperatingError(error, 'unauthenticated')) throw error;
      throw unavailable('Keystone refuses the user as whom Firn validates tokens', error);
    }
  }

  async #ask(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    more: { own?: string; subject?: string; body?: JsonObject },
  ): Promise<Answer> {
    const { url, timeoutMs = timeoutMsDefault } = this.#parts;
    const headers = new Headers({ accept: 'application/json' });
    if (more.own !== undefined) headers.set('x-auth-token', more.own);
    if (more.subject !== undefined) headers.set('x-subject-token', more.subject);
    if (more.body !== undefined) headers.set('content-type', 'application/json');
    try {
      const answer = await fetch(url + path, {
        method,
        headers,
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
        ...(more.body === undefined ? {} : { body: JSON.stringify(more.body) }),
      });
      const text = await answer.text();
      if (answer.status === 401 && more.own !== undefined) throw new OwnTokenRefused();
      return {
        status: answer.status,
        body: bodyOf(text),
        token: answer.headers.get('x-subject-token') ?? undefined,
      };
    } catch (error) {
      if (error instanceof OwnTokenRefused || isOperatingError(error)) throw error;
      throw unavailable('Keystone does not answer', error);
    }
  }
}

class OwnTokenRefused extends Error {}

function bodyOf(text: string): JsonValue {
  if (text.length > answerBytesMax) throw unavailable('Keystone answers too much');
  try {
    return text === '' ? null : (JSON.parse(text) as JsonValue);
  } catch (error) {
    throw unavailable('Keystone answers no JSON', error);
  }
}

function forbidden(): OperatingError {
  return new OperatingError('forbidden', 'You are not authorized to perform this operation.');
}

function unavailable(why: string, cause?: unknown): OperatingError {
  return new OperatingError('unavailable', `${why}.`, { cause });
}

/** The error that an answer of Keystone's stands for. */
function refusalOf({ status, body }: Answer): OperatingError {
  if (status === 401) return unauthenticated();
  const error = isJsonObject(body) ? body['error'] : undefined;
  const said = isJsonObject(error) ? error['message'] : undefined;
  if (status === 400 && typeof said === 'string') return new OperatingError('invalid_input', said);
  return unavailable(`Keystone answers ${status}`);
}
