/** Runs pieces of work one after the other, in the order in which they came. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();
  #pieces = 0;

  /** True when nothing is under way, and nothing waits. */
  get isIdle(): boolean {
    return this.#pieces === 0;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    this.#pieces += 1;
    const result = this.#last.then(work, work);
    this.#last = result.then(this.#end, this.#end);
    return result;
  }

  /** The outcome belongs to whoever called `run`; the next piece only needs to know of the end. */
  readonly #end = (): void => {
    this.#pieces -= 1;
  };
}

/** Waits for all, even when some fail, and then throws the first failure. */
export async function settleAll(work: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(work)) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}
