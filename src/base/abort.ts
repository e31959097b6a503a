import { OperatingError } from './errors.ts';

/** Rejects work that was told to stop, with `aborted`. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new OperatingError('aborted', 'the work was told to stop');
}
