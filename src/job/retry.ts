import { isOperatingError, messageOf } from '../base/errors.ts';

/** How many times a job is attempted before it fails; an attempt that a crash ended counts. */
export const attemptCountMax = 8;

const firstDelayMs = 500;
const delayMsMax = 5 * 60 * 1000;
const errorLengthMax = 2000;

/** True for an error after which the same work may succeed. */
export function isRetryable(error: unknown): boolean {
  return isOperatingError(error) && error.retryable;
}

/**
 * The wait after the attempt of this number, counted from 1: doubled each time, up to five minutes.
 */
export function retryDelayMs(attempt: number): number {
  return Math.min(firstDelayMs * 2 ** (attempt - 1), delayMsMax);
}

/**
 * The message of an error as a job's row keeps it: bounded, and of characters that can be stored.
 */
export function errorText(error: unknown): string {
  return messageOf(error)
    .toWellFormed()
    .replaceAll('\0', '\ufffd')
    .slice(0, errorLengthMax)
    .toWellFormed();
}
