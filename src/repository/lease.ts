/**
 * One object that says that its owner is at work in the repository:
 *
 *     leases/<kind>-<lease id>.<count>    kind: write, read, prune, create
 *     content = JSON { owner: { host, machine, pid, started }, roots: [ { rootId, depth } ] }
 *
 * It is sealed with its own name as label, but for `create`, whose repository has no keys yet. An
 * owner renews it by putting the next count and removing the one before. Nothing in it is a time:
 * whoever looks at a lease measures by his own clock how long its count has not changed, so that
 * clocks that differ, by hours or more, do no harm.
 *
 * An owner that could not renew in time counts its lease as lost, well before anybody else does.
 */
import { monotonicMs, systemClock } from '../base/clock.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { newHexId } from '../base/ids.ts';
import type { Store } from '../store/store.ts';

export type LeaseKind = 'write' | 'read' | 'prune' | 'create';

/** Ages in milliseconds, by a clock that goes on while the machine sleeps. */
export interface LeaseTimes {
  readonly renewMs: number;
  /** An owner does not trust its own lease any more. */
  readonly lostMs: number;
  /** Others take a lease for left behind whose count has not changed for so long. */
  readonly expireMs: number;
}

export const leaseTimesDefault: LeaseTimes = { renewMs: 20e3, lostMs: 80e3, expireMs: 120e3 };

/** The name of a lease object, taken apart; undefined for any other name. */
export function parseLeaseName(
  name: string,
): { leaseId: string; kind: LeaseKind; count: number } | undefined {
  const match = /^leases\/((write|read|prune|create)-[0-9a-f]{32})\.(\d{1,12})$/.exec(name);
  const [, leaseId, kind, count] = match ?? [];
  const known = kind === 'write' || kind === 'read' || kind === 'prune' || kind === 'create';
  if (leaseId === undefined || !known) return undefined;
  return { leaseId, kind, count: Number(count) };
}

export class Lease {
  readonly leaseId: string;
  readonly #store: Store;
  readonly #times: LeaseTimes;
  readonly #contentOf: (name: string) => Uint8Array;
  readonly #onEnd: (isRemoved: boolean) => void;
  /** Objects that may be there. */
  readonly #names = new Set<string>();
  #count = -1;
  #held = stamp();
  #isLost = false;
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;

  constructor(
    kind: LeaseKind,
    setup: {
      store: Store;
      times: LeaseTimes;
      contentOf: (name: string) => Uint8Array;
      onEnd: (isRemoved: boolean) => void;
    },
  ) {
    this.leaseId = `${kind}-${newHexId()}`;
    this.#store = setup.store;
    this.#times = setup.times;
    this.#contentOf = setup.contentOf;
    this.#onEnd = setup.onEnd;
  }

  /** Takes it; it is then renewed until `release`. Rejects with what the store says. */
  async begin(): Promise<void> {
    try {
      await this.#put();
    } catch (error) {
      // It may be there all the same.
      await this.release();
      throw error;
    }
    this.#timer = setInterval(() => void this.#renew(), this.#times.renewMs);
    this.#timer.unref();
  }

  /** False for good once others may have taken the owner for dead. */
  get isHeld(): boolean {
    if (ageMs(this.#held) >= this.#times.lostMs) this.#isLost = true;
    return !this.#isLost;
  }

  /** Rejects with `unavailable` when it is not held any more. */
  throwUnlessHeld(): void {
    if (this.isHeld) return;
    const why = 'this process was away from the store for too long, and another may have pruned it';
    throw new OperatingError('unavailable', why);
  }

  /** Gives it up. What cannot be removed now expires. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
    const removals = [...this.#names].map((name) => this.#store.remove(name));
    const settled = await Promise.allSettled(removals);
    this.#onEnd(settled.every(({ status }) => status === 'fulfilled'));
  }

  async #renew(): Promise<void> {
    if (this.#renewing !== undefined) return;
    // Nobody may come back from the dead: what others did meanwhile is not known here.
    if (!this.isHeld) return clearInterval(this.#timer);
    this.#renewing = this.#put().catch((error: unknown) => {
      // The next renewal tries again; without any the lease is lost in time.
      if (!isOperatingError(error)) throw error;
    });
    await this.#renewing;
    this.#renewing = undefined;
  }

  async #put(): Promise<void> {
    const begun = stamp();
    const before = [...this.#names];
    this.#count += 1;
    const name = `leases/${this.leaseId}.${this.#count}`;
    this.#names.add(name);
    await this.#store.put(name, [this.#contentOf(name)]);
    this.#held = begun;
    for (const old of before) {
      await this.#store.remove(old);
      this.#names.delete(old);
    }
  }
}

interface Stamp {
  readonly steadyMs: number;
  readonly wallMs: number;
}

function stamp(): Stamp {
  return { steadyMs: monotonicMs(), wallMs: systemClock.now() };
}

/** The clock of the day goes on while the machine sleeps; the other one cannot be set back. */
function ageMs({ steadyMs, wallMs }: Stamp): number {
  return Math.max(monotonicMs() - steadyMs, systemClock.now() - wallMs);
}
