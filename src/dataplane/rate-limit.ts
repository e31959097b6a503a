/**
 * The limits of one volume, for all its connections together: requests and bytes a second, of
 * reads, of writes, and of both.
 *
 * Each limit is a token bucket, kept as the moment from which it is free again: a request that goes
 * ahead moves that moment by what it costs, so that a second of them costs a second. What was not
 * used in the last `burstMs` may be caught up with. Reads wait in one line and writes in another,
 * each in the order of coming; the heads of the two take turns, so that neither starves.
 */
import { monotonicMs } from '../base/clock.ts';
import type { PerformanceLimits } from '../nbd/exports.ts';

export type Direction = 'read' | 'write';

/** Timers are coarser than requests: so much may be caught up with after a wait. */
const burstMs = 50;

interface Bucket {
  readonly perSecond: number;
  readonly of: 'requests' | 'bytes';
  freeAtMs: number;
}

/** Whose requests they are; one that has left waits for nothing any more. */
export interface Owner {
  left: boolean;
}

interface Waiting {
  readonly bytes: number;
  readonly owner: Owner;
  readonly go: () => void;
}

export interface RateLimitTime {
  now(): number;
  /** Calls `work` after so many milliseconds; the function that it returns takes that back. */
  after(ms: number, work: () => void): () => void;
}

const systemTime: RateLimitTime = {
  now: monotonicMs,
  after(ms, work) {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
};

export class RateLimit {
  readonly #time: RateLimitTime;
  readonly #lines: Record<Direction, Waiting[]> = { read: [], write: [] };
  #buckets: Record<Direction, readonly Bucket[]> = { read: [], write: [] };
  #first: Direction = 'read';
  #cancel: (() => void) | undefined;

  constructor(time: RateLimitTime = systemTime) {
    this.#time = time;
  }

  /** From now on these limits hold, for those who wait as well. */
  set(limits: PerformanceLimits): void {
    const total = this.#bucketsOf(limits.totalIopsSec, limits.totalBytesSec);
    this.#buckets = {
      read: [...total, ...this.#bucketsOf(limits.readIopsSec, limits.readBytesSec)],
      write: [...total, ...this.#bucketsOf(limits.writeIopsSec, limits.writeBytesSec)],
    };
    this.#pump();
  }

  /** False when there is no limit for these. */
  counts(direction: Direction): boolean {
    return this.#buckets[direction].length > 0;
  }

  /** Undefined when the request may go ahead at once; else resolves when it may. */
  take(direction: Direction, bytes: number, owner: Owner): Promise<void> | undefined {
    if (this.#buckets[direction].length === 0 || owner.left) return undefined;
    if (this.#lines[direction].length === 0 && this.#admit(direction, bytes)) return undefined;
    return new Promise((go) => {
      this.#lines[direction].push({ bytes, owner, go });
      this.#pump();
    });
  }

  /** All requests of the owner go ahead, and are free. */
  leave(owner: Owner): void {
    owner.left = true;
    for (const direction of ['read', 'write'] as const) {
      const line = this.#lines[direction];
      const going = line.filter((each) => each.owner === owner);
      this.#lines[direction] = line.filter((each) => each.owner !== owner);
      for (const { go } of going) go();
    }
  }

  #bucketsOf(requests: number | undefined, bytes: number | undefined): Bucket[] {
    const freeAtMs = this.#time.now();
    return [
      ...(requests === undefined ? [] : [{ perSecond: requests, of: 'requests', freeAtMs }]),
      ...(bytes === undefined ? [] : [{ perSecond: bytes, of: 'bytes', freeAtMs }]),
    ] as Bucket[];
  }

  #freeAt(direction: Direction): number {
    return Math.max(...this.#buckets[direction].map(({ freeAtMs }) => freeAtMs), 0);
  }

  /** Charges the request if every bucket is free. */
  #admit(direction: Direction, bytes: number): boolean {
    const now = this.#time.now();
    if (this.#freeAt(direction) > now) return false;
    for (const bucket of this.#buckets[direction]) {
      const cost = bucket.of === 'requests' ? 1 : bytes;
      const from = Math.max(bucket.freeAtMs, now - burstMs);
      bucket.freeAtMs = from + (cost * 1000) / bucket.perSecond;
    }
    return true;
  }

  /** Lets go whoever may, and looks again when the next one may. */
  #pump(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    while (this.#letOne(this.#first) || this.#letOne(other(this.#first))) continue;
    const waiting = (['read', 'write'] as const).filter((each) => this.#lines[each].length > 0);
    if (waiting.length === 0) return;
    const next = Math.min(...waiting.map((each) => this.#freeAt(each)));
    const ms = Math.max(1, Math.ceil(next - this.#time.now()));
    this.#cancel = this.#time.after(ms, () => this.#pump());
  }

  #letOne(direction: Direction): boolean {
    const line = this.#lines[direction];
    const [head] = line;
    if (head === undefined || !this.#admit(direction, head.bytes)) return false;
    line.shift();
    this.#first = other(direction);
    head.go();
    return true;
  }
}

function other(direction: Direction): Direction {
  return direction === 'read' ? 'write' : 'read';
}
