import type { GetOptions, PutOptions, Store, StoreOptions, StoredObject } from './store.ts';

/** One call of a store, numbered from 1 in the order in which the calls began. */
export interface StoreOperation {
  readonly index: number;
  readonly verb: 'put' | 'get' | 'sizeOf' | 'list' | 'remove';
  readonly name: string;
}

/**
 * What goes wrong with an operation. `fail`: it rejects and does nothing. `fail-after`: it is done
 * and rejects all the same. `tear`: a put leaves the first half of its bytes under the name and
 * rejects, which no honest medium does. `delay`: it waits first.
 */
export type Fault =
  | { readonly kind: 'fail' | 'fail-after' | 'tear'; readonly error: Error }
  | { readonly kind: 'delay'; readonly wait: () => Promise<void> };

/** Decides what goes wrong, if anything. */
export type FaultScript = (operation: StoreOperation) => Fault | undefined;

/** A store on which things go wrong by a script, and which remembers what was asked of it. */
export class FaultyStore implements Store {
  readonly url: string;
  readonly listingLagMs: number | undefined;
  readonly operations: StoreOperation[] = [];
  script: FaultScript;
  readonly #inner: Store;

  constructor(inner: Store, script: FaultScript = () => undefined) {
    this.url = inner.url;
    this.listingLagMs = inner.listingLagMs;
    this.#inner = inner;
    this.script = script;
  }

  async put(name: string, chunks: readonly Uint8Array[], options?: PutOptions): Promise<void> {
    await this.#during(
      'put',
      name,
      () => this.#inner.put(name, chunks, options),
      () => this.#inner.put(name, [firstHalf(chunks)], options),
    );
  }

  async get(name: string, options?: GetOptions): Promise<Uint8Array> {
    return this.#during('get', name, () => this.#inner.get(name, options));
  }

  async sizeOf(name: string, options?: StoreOptions): Promise<number | undefined> {
    return this.#during('sizeOf', name, () => this.#inner.sizeOf(name, options));
  }

  async *list(prefix: string, options?: StoreOptions): AsyncIterable<StoredObject> {
    await this.#during('list', prefix, async () => undefined);
    yield* this.#inner.list(prefix, options);
  }

  async remove(name: string, options?: StoreOptions): Promise<void> {
    await this.#during('remove', name, () => this.#inner.remove(name, options));
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }

  /** How many operations of a verb there were, on names that begin with `prefix`. */
  count(verb: StoreOperation['verb'], prefix = ''): number {
    return this.operations.filter((it) => it.verb === verb && it.name.startsWith(prefix)).length;
  }

  async #during<T>(
    verb: StoreOperation['verb'],
    name: string,
    act: () => Promise<T>,
    tear?: () => Promise<void>,
  ): Promise<T> {
    const operation = { index: this.operations.length + 1, verb, name };
    this.operations.push(operation);
    const fault = this.script(operation);
    if (fault === undefined) return act();
    if (fault.kind === 'delay') {
      await fault.wait();
      return act();
    }
    if (fault.kind === 'fail-after') await act();
    if (fault.kind === 'tear') await tear?.();
    throw fault.error;
  }
}

function firstHalf(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = Buffer.concat(chunks);
  return whole.subarray(0, whole.length >> 1);
}
