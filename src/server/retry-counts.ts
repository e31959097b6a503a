import { isOperatingError } from '../base/errors.ts';

/** Which of the stores of the configuration it is. */
export type StoreRole = 'store' | 'copy';

const reasons = ['unavailable', 'io', 'rate_limited'] as const;

export interface RetryCount {
  readonly store: StoreRole;
  /** The code of the error that was answered with another try. */
  readonly reason: string;
  readonly count: number;
}

/** How often requests to stores were tried again since the start. */
export class RetryCounts {
  readonly #counts = new Map<StoreRole, Map<string, number>>();

  /** Counts for a store from here on, with zeros at first. */
  open(store: StoreRole): (error: unknown) => void {
    const counts = new Map<string, number>(reasons.map((reason) => [reason, 0]));
    this.#counts.set(store, counts);
    return (error) => {
      const reason = isOperatingError(error) ? error.code : 'other';
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
    };
  }

  *all(): Generator<RetryCount> {
    for (const [store, counts] of this.#counts) {
      for (const [reason, count] of counts) yield { store, reason, count };
    }
  }
}
