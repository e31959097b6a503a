/** Lets one piece of work run at a time, in the order of arrival. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #waitingCount = 0;

  /** True when nothing runs or waits. */
  get idle(): boolean {
    return this.#waitingCount === 0;
  }

  async run<R>(work: () => Promise<R>): Promise<R> {
    this.#waitingCount += 1;
    const turn = this.#last.then(work);
    // The next in line waits for the end of this turn, however it ends; its caller has the error.
    this.#last = turn.then(
      () => undefined,
      () => undefined,
    );
    try {
      return await turn;
    } finally {
      this.#waitingCount -= 1;
    }
  }
}
