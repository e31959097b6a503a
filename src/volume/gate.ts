import { assert } from '../base/assert.ts';

/**
 * Lets changes of a volume in, and can be closed for the moment in which the head is exchanged.
 * While it is closed, newcomers wait; `close` resolves when those inside have left.
 */
export class Gate {
  #inside = 0;
  #opening: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  #emptied: (() => void) | undefined;

  /** Enters; a promise when the gate is closed, to be awaited before anything is changed. */
  enter(): Promise<void> | undefined {
    if (this.#opening !== undefined) return this.#waitAndEnter();
    this.#inside += 1;
    return undefined;
  }

  get isOpen(): boolean {
    return this.#opening === undefined;
  }

  leave(): void {
    this.#inside -= 1;
    if (this.#inside === 0 && this.#emptied !== undefined) this.#emptied();
  }

  /** Closes the gate and waits until nobody is inside. Nobody else may have closed it. */
  async close(): Promise<void> {
    assert(this.#opening === undefined, 'one at a time closes the gate');
    this.#opening = Promise.withResolvers<void>();
    if (this.#inside === 0) return;
    await new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
    this.#emptied = undefined;
  }

  open(): void {
    const opening = this.#opening;
    this.#opening = undefined;
    opening?.resolve();
  }

  get isBusy(): boolean {
    return this.#inside > 0;
  }

  async #waitAndEnter(): Promise<void> {
    while (this.#opening !== undefined) await this.#opening.promise;
    this.#inside += 1;
  }
}
