import type { Clock } from '../base/clock.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { UserRow } from '../catalog/identity-tables.ts';
import { Turns } from '../catalog/turns.ts';
import type { Reference } from './identity.ts';
import { afterWrongPassword, isLocked } from './lockout.ts';
import { verifyNothing } from './password.ts';
import { findUser } from './references.ts';
import type { VerifiedSecrets } from './verified-secrets.ts';

/** The setting that counts logins refused for an unknown or locked user. */
const refusedLoginsId = 'identity.refused-logins';

/**
 * Checks passwords, and keeps count of the wrong ones. The checks of one user run one after the
 * other, so that nobody gets more guesses by making them at once.
 */
export class PasswordCheck {
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #verified: VerifiedSecrets;
  readonly #turnsOfUser = new Map<string, Turns>();

  constructor(catalog: Catalog, clock: Clock, verified: VerifiedSecrets) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#verified = verified;
  }

  /** The user, when the password is his and guessing is not locked out. */
  async check(reference: Reference, password: string): Promise<UserRow | undefined> {
    const user = await findUser(this.#catalog, reference);
    if (user === undefined || isLocked(user, this.#clock.now()))
      return await this.#refuse(password);
    return await this.#inTurn(user.id, () => this.#checkNow(user.id, password));
  }

  async #checkNow(id: string, password: string): Promise<UserRow | undefined> {
    const user = await this.#catalog.find('users', { id });
    if (user === undefined || isLocked(user, this.#clock.now()))
      return await this.#refuse(password);
    if (!(await this.#verified.verify(password, user.passwordHash))) {
      await this.#countWrong(id);
      return undefined;
    }
    if (user.failedLogins === 0) return user;
    const cleared = { failedLogins: 0, lockedUntil: null };
    return await this.#catalog.change('users', { id }, cleared);
  }

  /** Refuses at the cost of a wrong password: the same hash, and one durable change. */
  async #refuse(password: string): Promise<undefined> {
    await verifyNothing(password);
    await this.#catalog.transact(async (transaction) => {
      const row = await transaction.find('settings', { id: refusedLoginsId });
      if (row === undefined)
        await transaction.insert('settings', { id: refusedLoginsId, value: 1 });
      else await transaction.change('settings', { id: row.id }, { value: Number(row.value) + 1 });
    });
  }

  async #countWrong(id: string): Promise<void> {
    await this.#catalog.transact(async (transaction) => {
      const user = await transaction.find('users', { id });
      if (user === undefined) return;
      await transaction.change('users', { id }, afterWrongPassword(user, this.#clock.now()));
    });
  }

  async #inTurn<R>(userId: string, work: () => Promise<R>): Promise<R> {
    const turns = this.#turnsOfUser.get(userId) ?? new Turns();
    this.#turnsOfUser.set(userId, turns);
    try {
      return await turns.run(work);
    } finally {
      if (turns.idle) this.#turnsOfUser.delete(userId);
    }
  }
}
