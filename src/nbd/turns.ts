import { availableParallelism } from 'node:os';

/**
 * How long the event loop looks out for the next request before it sleeps. To wake a sleeping
 * thread takes longer than most clients need for their next request; QEMU's threads poll for the
 * same reason (`poll-max-ns`).
 */
const awakeMs = 0.1;

/**
 * Who may go on, one in each turn of the event loop: between two of them the loop looks at all
 * sockets, so a connection with much to do keeps nobody waiting for longer than one turn.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  readonly #awakeMs: number;
  #awakeUntil = 0;
  #isAwake = false;

  /** Where there is one processor only, its time belongs to the client. */
  constructor(options: { awakeMs?: number } = {}) {
    this.#awakeMs = options.awakeMs ?? (availableParallelism() > 1 ? awakeMs : 0);
  }

  /** True while the loop does not sleep. */
  get isAwake(): boolean {
    return this.#isAwake;
  }

  /** Resolves when it is the caller's turn, after all who asked before. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) setImmediate(this.#give);
    });
  }

  /** A request has come: the next one is expected soon. */
  stayAwake(): void {
    if (this.#awakeMs === 0) return;
    this.#awakeUntil = performance.now() + this.#awakeMs;
    if (this.#isAwake) return;
    this.#isAwake = true;
    setImmediate(this.#watch);
  }

  readonly #give = (): void => {
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) setImmediate(this.#give);
  };

  readonly #watch = (): void => {
    if (performance.now() < this.#awakeUntil) setImmediate(this.#watch);
    else this.#isAwake = false;
  };
}
