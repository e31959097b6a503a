/**
 * Keeps a second store equal to a first one, in the background.
 *
 * What either lacks is known by comparing the two listings at the start, and what the second lacks
 * then from the puts as they come; nothing about it need be remembered. What is to be removed from
 * the second is remembered (`removals.ts`): another name that only it has is one that the first
 * store has lost, and is put back there. Objects never change, so that of two with one name the
 * longer one is whole: the other was cut short.
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
  /** What the first store has lost, and does not have back yet. */
  readonly objectsLost: number;
  /** What stands in the way at the moment. */
  readonly problem: string | null;
}

export interface CopyQueueOptions {
  readonly first: () => Promise<Store>;
  readonly copy: () => Promise<Store>;
  readonly removals: Removals;
  readonly isRoot: (name: string) => boolean;
  /** Names of objects that come and go in the first store alone. */
  readonly isPassing: (name: string) => boolean;
  readonly sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  readonly onProblem: (error: unknown) => void;
}

export class CopyQueue {
  readonly #options: CopyQueueOptions;
  readonly #control = new AbortController();
  /** In the order in which they were put. */
  readonly #pending = new Set<string>();
  /** What the first store lacks; roots come last. */
  readonly #lost = new Set<string>();
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
    const { size: objectsLost } = this.#lost;
    const isEqual = objectsPending + objectsLost === 0;
    const state = !this.#compared ? 'unknown' : isEqual ? 'complete' : 'copying';
    return { state, objectsPending, objectsLost, problem: this.#problem };
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
    this.#lost.delete(name);
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
    const { removals } = this.#options;
    if (!this.#compared) await this.#compare();
    while (this.#pending.size + this.#lost.size > 0 || removals.names().length > 0) {
      this.#renewWaking();
      await this.#remove();
      for (const isRoot of [false, true]) await this.#copyAll(this.#nextRun(isRoot));
      // One between what is new: that may take a while.
      const [lost] = this.#lost;
      if (lost !== undefined) await this.#putBack(lost);
    }
    this.#renewWaking();
  }

  async #compare(): Promise<void> {
    const { first, copy, removals, isRoot, isPassing } = this.#options;
    const there = new Map<string, number>();
    const store = await copy();
    for await (const object of store.list('', this.#stopping())) {
      if (!isPassing(object.name)) there.set(object.name, object.sizeBytes);
    }
    const missing: string[] = [];
    const notRemoved: string[] = [];
    for await (const { name, sizeBytes } of (await first()).list('', this.#stopping())) {
      if (isPassing(name)) continue;
      if (removals.isInherited(name)) notRemoved.push(name);
      const copied = there.get(name) ?? -1;
      if (copied <= sizeBytes) there.delete(name);
      if (copied < sizeBytes) missing.push(name);
    }
    await removals.done(notRemoved);
    const lost = [...there.keys()].filter((name) => !removals.has(name));
    for (const name of [...lost.filter((it) => !isRoot(it)), ...lost.filter(isRoot)]) {
      this.#lost.add(name);
    }
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
    const { first, copy } = this.#options;
    await this.#carry(name, await first(), await copy());
  }

  async #putBack(name: string): Promise<void> {
    const { first, copy } = this.#options;
    await this.#carry(name, await copy(), await first());
    this.#lost.delete(name);
  }

  /** Copies an object from one store to the other, in the place of one that is shorter. */
  async #carry(name: string, from: Store, to: Store): Promise<void> {
    let bytes: Uint8Array;
    try {
      bytes = await from.get(name, this.#stopping());
    } catch (error) {
      // Removed in the meantime.
      if (isOperatingError(error, 'not_found')) return;
      throw error;
    }
    if (this.#options.removals.has(name)) return;
    try {
      await to.put(name, [bytes], this.#stopping());
    } catch (error) {
      if (!isOperatingError(error, 'exists')) throw error;
      const there = (await to.sizeOf(name, this.#stopping())) ?? 0;
      if (there >= bytes.length) return;
      await to.put(name, [bytes], { ...this.#stopping(), replace: true });
    }
    // Removed while it was on its way to the first store: the removal did not find it there.
    if (this.#options.removals.has(name)) await to.remove(name);
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
