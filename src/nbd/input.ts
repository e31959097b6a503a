import { KiB } from '../base/bytes.ts';

/** The most that `wait` asks for. */
export const waitBytesMax = 64 * KiB;

/**
 * What a peer sends, in pieces of the reader's own choosing. At most one `wait` or `fill` is under
 * way. After the end (of the peer, or by `stop`) what arrived can still be taken, and every wait
 * for more ends with false; once the socket is closed there is nothing to take either.
 */
export interface Input {
  /** True when `count` bytes can be taken. */
  has(count: number): boolean;
  /** True as soon as `count` bytes can be taken, false when they will never come. */
  wait(count: number): Promise<boolean>;
  /** The next `count` bytes, which are there; they hold until the next wait. */
  take(count: number): Buffer;
  /** Fills `target` with the next bytes; false when the end comes first. */
  fill(target: Buffer): Promise<boolean>;
  /** Ends reading: whoever waits is told false. */
  stop(): void;
  /** Ends reading and forgets what arrived. */
  drop(): void;
}

/** Reads past `count` bytes; false when the end comes first. */
export async function discard(input: Input, count: number): Promise<boolean> {
  let left = count;
  while (left > 0) {
    const step = Math.min(left, waitBytesMax);
    if (!input.has(step) && !(await input.wait(step))) return false;
    input.take(step);
    left -= step;
  }
  return true;
}
