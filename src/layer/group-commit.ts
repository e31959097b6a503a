/**
 * Shares the runs of a costly step, such as a sync, between all who wait for one.
 *
 * A call that comes while a run is under way may not rely on that run, which may have passed by
 * what the caller did; it waits for the one run that follows, with everybody else who came.
 */
export class GroupCommit {
  readonly #work: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Resolves when a run has succeeded that began after this call. */
  run(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#start();
    const start = (): Promise<void> => this.#start();
    this.#next = this.#running.then(start, start);
    return this.#next;
  }

  /** The run that is under way. */
  get running(): Promise<void> | undefined {
    return this.#running;
  }

  /** Resolves when no run is under way, and none is to follow. */
  async ended(): Promise<void> {
    const ignore = (): void => undefined;
    for (let run = this.#last; run !== undefined; run = this.#last) await run.catch(ignore);
  }

  get #last(): Promise<void> | undefined {
    return this.#next ?? this.#running;
  }

  #start(): Promise<void> {
    this.#next = undefined;
    const running = this.#work();
    this.#running = running;
    const end = (): void => {
      if (this.#running === running) this.#running = undefined;
    };
    running.then(end, end);
    return running;
  }
}
