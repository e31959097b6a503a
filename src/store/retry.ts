import { setTimeout as sleepMs } from 'node:timers/promises';
import { throwIfAborted } from '../base/abort.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import type { GetOptions, PutOptions, Store, StoreOptions, StoredObject } from './store.ts';

export interface RetryOptions {
  /** Tries in all, the first one included. */
  readonly attemptsMax: number;
  /** The pause after the first failure; it doubles each time up to `pauseMsMax`. */
  readonly pauseMs: number;
  readonly pauseMsMax: number;
  /** Waits; rejects when the signal fires. */
  readonly sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  /** A number from 0 up to 1, for jitter. */
  readonly random: () => number;
  /** Told of each failure that is answered with another try. */
  readonly onRetry?: (error: unknown) => void;
}

/** Sleeps by the timer of the process. */
export async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleepMs(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throw new OperatingError('aborted', 'the work was told to stop', { cause: error });
  }
}

/**
 * Tries again what failed with a retryable error. The pause grows exponentially, and half of it is
 * random, so that many clients of a medium that was away do not come back at the same instant.
 */
export class RetryingStore implements Store {
  readonly url: string;
  readonly listingLagMs: number | undefined;
  readonly #inner: Store;
  readonly #options: RetryOptions;

  constructor(inner: Store, options: RetryOptions) {
    this.url = inner.url;
    this.listingLagMs = inner.listingLagMs;
    this.#inner = inner;
    this.#options = options;
  }

  async put(name: string, chunks: readonly Uint8Array[], options?: PutOptions): Promise<void> {
    await this.#retry(options?.signal, async (attempt) => {
      try {
        await this.#inner.put(name, chunks, options);
      } catch (error) {
        // An earlier try may have been done although it was reported as failed.
        if (attempt === 1 || !isOperatingError(error, 'exists')) throw error;
        if (Buffer.concat(chunks).compare(await this.get(name, options)) !== 0) throw error;
      }
    });
  }

  async get(name: string, options?: GetOptions): Promise<Uint8Array> {
    return this.#retry(options?.signal, () => this.#inner.get(name, options));
  }

  async sizeOf(name: string, options?: StoreOptions): Promise<number | undefined> {
    return this.#retry(options?.signal, () => this.#inner.sizeOf(name, options));
  }

  /** A listing that breaks off begins again, and leaves out what it has yielded. */
  async *list(prefix: string, options?: StoreOptions): AsyncIterable<StoredObject> {
    const yielded = new Set<string>();
    for (let attempt = 1; ; attempt += 1) {
      try {
        for await (const object of this.#inner.list(prefix, options)) {
          if (yielded.has(object.name)) continue;
          yielded.add(object.name);
          yield object;
        }
        return;
      } catch (error) {
        await this.#pauseOrThrow(error, attempt, options?.signal);
      }
    }
  }

  async remove(name: string, options?: StoreOptions): Promise<void> {
    await this.#retry(options?.signal, () => this.#inner.remove(name, options));
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }

  async #retry<T>(
    signal: AbortSignal | undefined,
    act: (attempt: number) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await act(attempt);
      } catch (error) {
        await this.#pauseOrThrow(error, attempt, signal);
      }
    }
  }

  async #pauseOrThrow(
    error: unknown,
    attempt: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { attemptsMax, pauseMs, pauseMsMax, random, sleep } = this.#options;
    const retryable = isOperatingError(error) && error.retryable;
    if (!retryable || attempt >= attemptsMax) throw error;
    throwIfAborted(signal);
    this.#options.onRetry?.(error);
    const wholeMs = Math.min(pauseMsMax, pauseMs * 2 ** (attempt - 1));
    await sleep(wholeMs / 2 + (wholeMs / 2) * random(), signal);
  }
}
