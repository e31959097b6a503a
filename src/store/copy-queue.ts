/**
 * Keeps a second store equal to a first one, in the background.
 *
 * What the second lacks is known by comparing the two listings at the start, and then from the puts
 * as they come; nothing about it need be remembered. What is to be removed from it is remembered
 * (`removals.ts`): a name that only the second store has may be one that the first has lost.
 *
 * Names that `isRoot` accepts are copied when all that was put before them is there: a manifest in
 * the second store has all its packs beside it, at every instant.
 */
import { isOperatingError, messageOf } from '../base/errors.ts';
import type { Removals } from './removals.ts';
import type { Store } from './store.ts';

/** Each holds one object in memory. */
const copiesAtOnce = 2;
const pauseMsMax = 60_000;

export interface CopyState {
  /** `unknown`: the listings have not been compared yet. */
  readonly state: 'unknown' | 'copying' | 'complete';
  readonly objectsPending: number;
  /** What stands in the way at the moment. */
  readonly problem: string | null;
}

export interface CopyQueueOptions {
  readonly first: () => Promise<Store>;
  readonly copy: () => Promise<Store>;
  readonly removals: Removals;
  readonly isRoot: (name: string) => boolean;
  readonly sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  readonly onProblem: (error: unknown) => void;
}

export class CopyQueue {
  readonly #options: CopyQueueOptions;
  readonly #control = new AbortController();
  /** In the order in which they were put. */
  readonly #pending = new Set<string>();
  #compared = false;
  #problem: string | null = null;
  #wake = (): void => {};
  #woken = new Promise<void>(() => {});
  readonly #work: Promise<void>;

  constructor(options: CopyQueueOptions) {
    this.#options = options;
    this.#renewWaking();
    this.#work = this.#run();
  }

  state(): CopyState {
    const { size: objectsPending } = this.#pending;
    const state = !this.#compared ? 'unknown' : objectsPending > 0 ? 'copying' : 'complete';
    return { state, objectsPending, problem: this.#problem };
  }

  /** Whether an object of the first store is in the second; undefined: not known yet. */
  isCopied(name: string): boolean | undefined {
    return this.#compared ? !this.#pending.has(name) : undefined;
  }

  /** Tells of an object that was put into the first store. */
  added(name: string): void {
    this.#pending.add(name);
    this.#wake();
  }

  /** Tells of a name that was noted in `removals`. */
  removed(name: string): void {
    this.#pending.delete(name);
    this.#wake();
  }

  /** Ends after what is being copied now. */
  async close(): Promise<void> {
    this.#control.abort();
    this.#wake();
    await this.#work;
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#control.signal.aborted;) {
      try {
        await this.#advance();
        failures = 0;
        this.#problem = null;
        if (!this.#control.signal.aborted) await this.#woken;
      } catch (error) {
        if (this.#control.signal.aborted) return;
        this.#problem = messageOf(error);
        this.#options.onProblem(error);
        failures += 1;
        await this.#pause(Math.min(pauseMsMax, 500 * 2 ** failures));
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    try {
      await this.#options.sleep(ms, this.#control.signal);
    } catch (error) {
      if (!isOperatingError(error, 'aborted')) throw error;
    }
  }

  async #advance(): Promise<void> {
    if (!this.#compared) await this.#compare();
    while (this.#pending.size > 0 || this.#options.removals.names().length > 0) {
      this.#renewWaking();
      await this.#remove();
      for (const isRoot of [false, true]) await this.#copyAll(this.#nextRun(isRoot));
    }
    this.#renewWaking();
  }

  async #compare(): Promise<void> {
    const { first, copy, removals, isRoot } = this.#options;
    const there = new Map<string, number>();
    const store = await copy();
    for await (const object of store.list('', this.#stopping())) {
      there.set(object.name, object.sizeBytes);
    }
    const missing: string[] = [];
    const notRemoved: string[] = [];
    for await (const { name, sizeBytes } of (await first()).list('', this.#stopping())) {
      if (removals.isInherited(name)) notRemoved.push(name);
      // One that was cut short by a medium that is no honest one is written anew.
      if (there.has(name) && there.get(name) !== sizeBytes) await store.remove(name);
      if (there.get(name) !== sizeBytes) missing.push(name);
    }
    await removals.done(notRemoved);
    // Before those that were put meanwhile.
    const meanwhile = [...this.#pending].filter((name) => !missing.includes(name));
    this.#pending.clear();
    const ordered = [...missing.filter((it) => !isRoot(it)), ...missing.filter(isRoot)];
    for (const name of [...ordered, ...meanwhile]) this.#pending.add(name);
    this.#compared = true;
  }

  /** The names at the head of the queue that are roots, or that are not. */
  #nextRun(isRoot: boolean): string[] {
    const run: string[] = [];
    for (const name of this.#pending) {
      if (this.#options.isRoot(name) !== isRoot) break;
      run.push(name);
    }
    return run;
  }

  async #remove(): Promise<void> {
    const { copy, removals } = this.#options;
    const names = removals.names();
    for (const name of names) await (await copy()).remove(name, this.#stopping());
    await removals.done(names);
  }

  /** Copies all, whatever happens to one; the first failure is thrown at the end. */
  async #copyAll(names: readonly string[]): Promise<void> {
    const next = names.values();
    const failures: unknown[] = [];
    const work = async (): Promise<void> => {
      for (const name of next) {
        if (!this.#pending.has(name)) continue;
        try {
          await this.#copyOne(name);
          this.#pending.delete(name);
        } catch (error) {
          failures.push(error);
          if (!isOperatingError(error, 'corrupt')) return;
        }
      }
    };
    await Promise.all(Array.from({ length: copiesAtOnce }, work));
    if (failures.length > 0) throw failures[0];
  }

  async #copyOne(name: string): Promise<void> {
    const { first, copy, removals } = this.#options;
    let bytes: Uint8Array;
    try {
      bytes = await (await first()).get(name, this.#stopping());
    } catch (error) {
      // Removed in the meantime.
      if (isOperatingError(error, 'not_found')) return;
      throw error;
    }
    if (removals.has(name)) return;
    try {
      await (await copy()).put(name, [bytes], this.#stopping());
    } catch (error) {
      if (!isOperatingError(error, 'exists')) throw error;
    }
  }

  #stopping(): { signal: AbortSignal } {
    return { signal: this.#control.signal };
  }

  #renewWaking(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#woken = promise;
    this.#wake = resolve;
  }
}
