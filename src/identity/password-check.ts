import type { Clock } from '../base/clock.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { UserRow } from '../catalog/tables.ts';
import type { Reference } from './identity.ts';
import { afterWrongPassword, isLocked } from './lockout.ts';
import { verifyNothing, verifyPassword } from './password.ts';
import { findUser } from './references.ts';

/**
 * Checks passwords, and keeps count of the wrong ones. The checks of one user run one after the other,
 * so that nobody gets more guesses by making them at once.
 */
export class PasswordCheck {
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #lastOfUser = new Map<string, Promise<unknown>>();

  constructor(catalog: Catalog, clock: Clock) {
    this.#catalog = catalog;
    this.#clock = clock;
  }

  /** The user, when the password is his and guessing is not locked out. */
  async check(reference: Reference, password: string): Promise<UserRow | undefined> {
    const user = await findUser(this.#catalog, reference);
    if (user === undefined || isLocked(user, this.#clock.now())) {
      await verifyNothing(password);
      return undefined;
    }
    return await this.#inTurn(user.id, () => this.#checkNow(user.id, password));
  }

  async #checkNow(id: string, password: string): Promise<UserRow | undefined> {
    const user = await this.#catalog.find('users', { id });
    if (user === undefined || isLocked(user, this.#clock.now())) {
      await verifyNothing(password);
      return undefined;
    }
    if (!(await verifyPassword(password, user.passwordHash))) {
      await this.#countWrong(id);
      return undefined;
    }
    if (user.failedLogins === 0) return user;
    const cleared = { failedLogins: 0, lockedUntil: null };
    return await this.#catalog.change('users', { id }, cleared);
  }

  async #countWrong(id: string): Promise<void> {
    await this.#catalog.transact(async (transaction) => {
      const user = await transaction.find('users', { id });
      if (user === undefined) return;
      await transaction.change('users', { id }, afterWrongPassword(user, this.#clock.now()));
    });
  }

  async #inTurn<R>(userId: string, work: () => Promise<R>): Promise<R> {
    const before = this.#lastOfUser.get(userId) ?? Promise.resolve();
    const turn = before.then(work);
    // The next in line waits for the end of this turn, however it ends; its caller has the error.
    const ended = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#lastOfUser.set(userId, ended);
    try {
      return await turn;
    } finally {
      if (this.#lastOfUser.get(userId) === ended) this.#lastOfUser.delete(userId);
    }
  }
}
