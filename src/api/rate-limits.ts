/**
 * Limits on how often somebody may ask: logins for each address, all else for each project.
 *
 * - A limit is so many requests a second on average, and ten times as many at once.
 * - After many failed logins in a row an address waits, twice as long after each further failure.
 * - Who is over a limit gets 429 with `Retry-After`, and nothing is looked up for him.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '../base/clock.ts';
import { OperatingError } from '../base/errors.ts';
import { isLogin } from './logins.ts';

export interface RateLimits {
  /** Requests a second for a project; 0: no limit. */
  readonly requestsPerSecond: number;
  /** Logins a second for an address; 0: no limit. */
  readonly loginsPerSecond: number;
}

export const defaultRateLimits: RateLimits = { requestsPerSecond: 2000, loginsPerSecond: 200 };

/** So many failed logins in a row an address has free. */
export const failedLoginsMax = 30;

const firstWaitMs = 1000;
const waitMsMax = 15 * 60_000;
const burstSeconds = 10;
const keyCountMax = 100_000;

interface Bucket {
  left: number;
  at: number;
}

/** Buckets that fill at a rate, one a key; those of long ago are full and forgotten. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
  }

  /** Takes one; rejects with `rate_limited` when there is none. */
  take(key: string): void {
    if (this.#perSecond === 0) return;
    const now = this.#clock.now();
    const full = this.#perSecond * burstSeconds;
    const bucket = this.#buckets.get(key) ?? { left: full, at: now };
    bucket.left = Math.min(full, bucket.left + ((now - bucket.at) / 1000) * this.#perSecond);
    bucket.at = now;
    if (!this.#buckets.has(key)) {
      if (this.#buckets.size >= keyCountMax) this.#buckets.clear();
      this.#buckets.set(key, bucket);
    }
    if (bucket.left < 1) throw rateLimited(Math.ceil((1 - bucket.left) / this.#perSecond));
    bucket.left -= 1;
  }
}

interface Failures {
  count: number;
  waitUntil: number;
}

/** Addresses from which logins fail, one after the other. */
export class FailedLogins {
  readonly #clock: Clock;
  readonly #failures = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rejects with `rate_limited` while the address has to wait. */
  check(address: string): void {
    const waitMs = (this.#failures.get(address)?.waitUntil ?? 0) - this.#clock.now();
    if (waitMs > 0) throw rateLimited(Math.ceil(waitMs / 1000));
  }

  failed(address: string): void {
    const known = this.#failures.get(address);
    const count = (known?.count ?? 0) + 1;
    const excess = count - failedLoginsMax;
    const waitMs = excess < 0 ? 0 : Math.min(firstWaitMs * 2 ** excess, waitMsMax);
    if (known === undefined && this.#failures.size >= keyCountMax) this.#failures.clear();
    this.#failures.set(address, { count, waitUntil: this.#clock.now() + waitMs });
  }

  succeeded(address: string): void {
    this.#failures.delete(address);
  }
}

function rateLimited(seconds: number): OperatingError {
  return new OperatingError('rate_limited', 'This request was rate-limited.', {
    retryAfterSeconds: Math.max(1, seconds),
  });
}

/** Keeps all faces within the limits. */
export function limitRates(app: FastifyInstance, clock: Clock, limits: RateLimits): void {
  const logins = new RateLimit(clock, limits.loginsPerSecond);
  const requests = new RateLimit(clock, limits.requestsPerSecond);
  const failures = new FailedLogins(clock);

  app.addHook('onRequest', async (request) => {
    if (!isLogin(request)) return;
    failures.check(request.ip);
    logins.take(request.ip);
  });

  // After the hooks of the faces, which say who asks.
  app.addHook('preParsing', async (request, _reply, payload) => {
    const project = projectOf(request);
    if (project !== undefined) requests.take(project);
    return payload;
  });

  app.addHook('onResponse', async (request, reply) => {
    if (!isLogin(request)) return;
    if (reply.statusCode === 401) failures.failed(request.ip);
    else if (reply.statusCode < 300) failures.succeeded(request.ip);
  });
}

function projectOf({ tokenFacts }: FastifyRequest): string | undefined {
  // There is no token before `authenticate`, whatever the type says.
  const facts: FastifyRequest['tokenFacts'] | undefined = tokenFacts;
  return facts?.project?.id;
}
