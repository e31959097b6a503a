import { setImmediate } from 'node:timers/promises';

/** Steps that are done before others get a turn of the event loop. */
const stepsPerTurn = 16;

/**
 * Lets others have their turn in a long loop. Reads that memory serves end at once, so awaiting
 * them alone would hold up everybody else.
 */
export class Turns {
  #steps = 0;

  async next(): Promise<void> {
    this.#steps += 1;
    if (this.#steps % stepsPerTurn === 0) await setImmediate();
  }
}
