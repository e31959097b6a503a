import { isOperatingError } from '../base/errors.ts';

/**
 * True when a store that answers has said no: rights are missing, or what it holds is locked. The
 * same call does not succeed before somebody changes that.
 */
export function isRefusal(error: unknown): boolean {
  return isOperatingError(error, 'denied') || isOperatingError(error, 'read_only');
}
