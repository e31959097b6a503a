/** Runs pieces of work one after the other, in the order in which they came. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result.then(ignore, ignore);
    return result;
  }
}

/** The outcome belongs to whoever called `run`; the next piece only needs to know of the end. */
function ignore(): void {}

/** Waits for all, even when some fail, and then throws the first failure. */
export async function settleAll(work: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(work)) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}
