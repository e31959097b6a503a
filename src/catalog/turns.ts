/** Lets one piece of work run at a time, in the order of arrival. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  run<R>(work: () => Promise<R>): Promise<R> {
    const turn = this.#last.then(work);
    // The next in line waits for the end of this turn, however it ends; its caller has the error.
    this.#last = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  }
}
