/**
 * A store for tests that behaves as badly as a medium may, by chance from a seed:
 *
 * - operations take turns of the event loop, more or fewer, so that they overlap and overtake;
 * - some fail, before they were done or after (`failsOneIn`);
 * - a listing comes in random order, and shows what changes while it is under way or does not;
 * - `crash` is a power cut: every operation under way rejects, and has been done or not; a put that
 *   had not resolved may be lost, and on a dishonest medium (`tears`) leaves half of its bytes.
 *
 * What a resolved put wrote is never lost, and no object changes: a medium that breaks these breaks
 * the contract, and nothing can be built on it.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { throwIfAborted } from '../base/abort.ts';
import { OperatingError } from '../base/errors.ts';
import { MemoryStore } from './memory.ts';
import type { GetOptions, PutOptions, Store, StoredObject, StoreOptions } from './store.ts';

export interface SimulatedOptions {
  /** A number from 0 up to 1, from a seed. */
  readonly random: () => number;
  /** The turns of the event loop that an operation takes at most; 4 by default. */
  readonly turnsMax?: number;
  /** One operation in so many fails; by default none does. */
  readonly failsOneIn?: number;
  readonly tears?: boolean;
}

export class SimulatedStore implements Store {
  readonly url = 'simulated:';
  readonly #options: SimulatedOptions;
  readonly #medium: MemoryStore;
  #crashed = false;

  constructor(options: SimulatedOptions, medium = new MemoryStore('simulated:')) {
    this.#options = options;
    this.#medium = medium;
  }

  /** What is on the medium now; for tests that count or damage it. */
  get objects(): Map<string, Uint8Array> {
    return this.#medium.objects;
  }

  /**
   * Cuts the power. The returned store is what is found afterwards, on the same medium; this one
   * does nothing any more.
   */
  crash(): SimulatedStore {
    this.#crashed = true;
    return new SimulatedStore(this.#options, this.#medium);
  }

  async put(name: string, chunks: readonly Uint8Array[], options?: PutOptions): Promise<void> {
    throwIfAborted(options?.signal);
    // The bytes are the caller's again when this settles, also when a crash settles it.
    const bytes = Buffer.concat(chunks);
    await this.#during(
      () => this.#medium.put(name, [bytes], options),
      () => this.#tear(name, bytes),
    );
  }

  async get(name: string, options?: GetOptions): Promise<Uint8Array> {
    return this.#during(() => this.#medium.get(name, options));
  }

  async sizeOf(name: string, options?: StoreOptions): Promise<number | undefined> {
    return this.#during(() => this.#medium.sizeOf(name, options));
  }

  async *list(prefix: string, options?: StoreOptions): AsyncIterable<StoredObject> {
    const found = await this.#during(() => Array.fromAsync(this.#medium.list(prefix, options)));
    for (const object of this.#shuffled(found)) {
      throwIfAborted(options?.signal);
      if (this.#options.random() < 0.1) await this.#wait();
      if (this.objects.has(object.name)) yield object;
    }
  }

  async remove(name: string, options?: StoreOptions): Promise<void> {
    await this.#during(() => this.#medium.remove(name, options));
  }

  async close(): Promise<void> {}

  /** Does something after a while; the answer comes after a while too. */
  async #during<T>(act: () => Promise<T>, onCrash?: () => Promise<void>): Promise<T> {
    const { random, failsOneIn = Infinity } = this.#options;
    const fails = random() < 1 / failsOneIn;
    const isDone = random() < 0.5;
    await this.#wait(onCrash);
    if (fails && !isDone) throw this.#down();
    const result = await act();
    await this.#wait();
    if (fails) throw this.#down();
    return result;
  }

  async #wait(onCrash?: () => Promise<void>): Promise<void> {
    const turns = Math.floor(this.#options.random() * ((this.#options.turnsMax ?? 4) + 1));
    for (let left = turns; left > 0; left -= 1) await turn();
    if (!this.#crashed) return;
    await onCrash?.();
    throw this.#down();
  }

  /** What a power cut leaves of a put that had not resolved. */
  async #tear(name: string, bytes: Uint8Array): Promise<void> {
    const chance = this.#options.random();
    if (this.objects.has(name) || chance < 1 / 3) return;
    const isWhole = chance < 2 / 3 || this.#options.tears !== true;
    await this.#medium.put(name, [isWhole ? bytes : bytes.subarray(0, bytes.length >> 1)]);
  }

  #shuffled(found: readonly StoredObject[]): StoredObject[] {
    return found
      .map((object) => ({ object, order: this.#options.random() }))
      .sort((a, b) => a.order - b.order)
      .map(({ object }) => object);
  }

  #down(): OperatingError {
    return new OperatingError('unavailable', 'the simulated store does not answer');
  }
}
