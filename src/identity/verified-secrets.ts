/**
 * Secrets that were found right a short while ago, so that a client that logs in again and again
 * does not pay for scrypt each time.
 *
 * A secret is kept as an HMAC under a key that only this process has and that ends with it,
 * together with the stored hash that it was right for: with another hash, as after a change of the
 * password, it is not known any more.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { verifyPassword } from './password.ts';

export const rememberedMs = 5 * 60_000;
const entryCountMax = 10_000;

export class VerifiedSecrets {
  readonly #clock: Clock;
  readonly #key = randomBytes(32);
  /** HMAC → until when it is believed. */
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True when the secret is the one of the stored hash: as known, or found by scrypt now. */
  async verify(secret: string, storedHash: string): Promise<boolean> {
    const mark = createHmac('sha256', this.#key).update(`${storedHash}\n${secret}`).digest('hex');
    const now = this.#clock.now();
    if (now < (this.#until.get(mark) ?? 0)) return true;
    this.#until.delete(mark);
    if (!(await verifyPassword(secret, storedHash))) return false;
    if (this.#until.size >= entryCountMax) this.#until.clear();
    this.#until.set(mark, now + rememberedMs);
    return true;
  }
}
