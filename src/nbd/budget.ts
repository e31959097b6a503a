import { assert } from '../base/assert.ts';

interface Waiter {
  readonly amount: number;
  readonly owner: object;
  readonly resolve: (granted: boolean) => void;
}

/**
 * A stock of something countable that is lent and given back; who finds too little waits in line.
 *
 * Invariants: what is lent exceeds the capacity only while a single loan that is larger than the
 * whole capacity is out, and then it is the only one. Nobody overtakes a waiter.
 */
export class Budget {
  readonly #capacity: number;
  readonly #waiters: Waiter[] = [];
  #lent = 0;

  constructor(capacity: number) {
    assert(capacity > 0, 'a budget has something to lend');
    this.#capacity = capacity;
  }

  get lent(): number {
    return this.#lent;
  }

  /** Takes `amount`: true at once, or later; later false when `owner` left before its turn. */
  take(amount: number, owner: object): true | Promise<boolean> {
    if (this.#waiters.length === 0 && this.#fits(amount)) {
      this.#lent += amount;
      return true;
    }
    return new Promise((resolve) => {
      this.#waiters.push({ amount, owner, resolve });
    });
  }

  give(amount: number): void {
    this.#lent -= amount;
    assert(this.#lent >= 0, 'no more is given back than was lent');
    this.#grant();
  }

  /** Takes `owner` out of the line; its waits end with false. */
  leave(owner: object): void {
    for (let index = this.#waiters.length - 1; index >= 0; index -= 1) {
      const waiter = this.#waiters[index];
      if (waiter?.owner !== owner) continue;
      this.#waiters.splice(index, 1);
      waiter.resolve(false);
    }
    this.#grant();
  }

  #fits(amount: number): boolean {
    return this.#lent === 0 || this.#lent + amount <= this.#capacity;
  }

  #grant(): void {
    for (;;) {
      const next = this.#waiters[0];
      if (next === undefined || !this.#fits(next.amount)) return;
      this.#waiters.shift();
      this.#lent += next.amount;
      next.resolve(true);
    }
  }
}
