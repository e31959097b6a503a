import type { Clock } from '../base/clock.ts';
import type { TokenFacts } from './identity.ts';

/** For how long the facts of a token are believed without a look into the catalogue. */
export const believedMs = 5000;
const entryCountMax = 10_000;

interface Entry {
  readonly facts: TokenFacts;
  readonly checkedAt: number;
}

/** Facts of tokens that were valid a moment ago. */
export class TokenCache {
  readonly #clock: Clock;
  readonly #forMs: number;
  readonly #entries = new Map<string, Entry>();
  #generation = 0;

  constructor(clock: Clock, forMs = believedMs) {
    this.#clock = clock;
    this.#forMs = forMs;
  }

  /** Facts that are still believed, of a token that has not expired. */
  get(id: string): TokenFacts | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    const now = this.#clock.now();
    const believed = now < entry.checkedAt + this.#forMs && now < entry.facts.expiresAt;
    if (believed) return entry.facts;
    this.#entries.delete(id);
    return undefined;
  }

  /**
   * Reads facts with `read` and keeps them, unless something is forgotten meanwhile: what was read
   * may then have been true only before.
   */
  async fill(id: string, read: () => Promise<TokenFacts>): Promise<TokenFacts> {
    const generation = this.#generation;
    const checkedAt = this.#clock.now();
    const facts = await read();
    if (generation !== this.#generation) return facts;
    if (this.#entries.size >= entryCountMax) this.#entries.clear();
    this.#entries.set(id, { facts, checkedAt });
    return facts;
  }

  forget(id: string): void {
    this.#generation += 1;
    this.#entries.delete(id);
  }

  /** For when it is not known which tokens say something else now. */
  forgetAll(): void {
    this.#generation += 1;
    this.#entries.clear();
  }
}
