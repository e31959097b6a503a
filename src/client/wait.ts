import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../base/clock.ts';
import { OperatingError, isOperatingError } from '../base/errors.ts';

/** The pause between two looks grows from the first to the second. */
const pauseMs = { least: 50, most: 1000 };

export interface WaitOptions<T> {
  readonly look: () => Promise<T>;
  /** The status that ends the waiting. */
  readonly until: string;
  /** What it is, for messages: `backup my-backup`. */
  readonly what: string;
  readonly timeoutMs?: number;
  /** Called after every look. */
  readonly onLook?: (item: T) => Promise<void> | void;
}

/**
 * Looks until the status is the one waited for. Rejects with `invalid_state` when it is an error,
 * with `unavailable` when the time is over.
 */
export async function waitForStatus<T extends { status: string; fail_reason?: string | null }>(
  options: WaitOptions<T>,
): Promise<T> {
  const startMs = monotonicMs();
  let pause = pauseMs.least;
  for (;;) {
    const item = await options.look();
    await options.onLook?.(item);
    if (item.status === options.until) return item;
    if (item.status.startsWith('error')) {
      const reason = item.fail_reason ?? '';
      throw new OperatingError(
        'invalid_state',
        `${options.what} is ${item.status}${reason === '' ? '' : `: ${reason}`}`,
      );
    }
    if (options.timeoutMs !== undefined && monotonicMs() - startMs > options.timeoutMs) {
      throw new OperatingError(
        'unavailable',
        `${options.what} is still ${item.status} after ${Math.round(options.timeoutMs / 1000)} s`,
      );
    }
    await sleep(pause);
    pause = Math.min(pause * 1.5, pauseMs.most);
  }
}

/** Looks until it is gone. Rejects with `invalid_state` when the deletion failed. */
export async function waitForDeletion<T extends { status: string }>(options: {
  look: () => Promise<T>;
  what: string;
}): Promise<void> {
  try {
    await waitForStatus({ ...options, until: 'deleted' });
  } catch (error) {
    if (!isOperatingError(error, 'not_found')) throw error;
  }
}
