/**
 * The newest changes, numbered, for streams of events that read them at their own pace.
 *
 * - A stream holds a position, never a queue: however slow a client is, it costs no memory. When
 *   what it has not read yet was dropped here, `after` says so, and it has to look at everything
 *   again.
 * - Changes of one kind to one row within `gatherMs` become one event: progress is no flood.
 */
import { assert } from '../../base/assert.ts';
import { newId } from '../../base/ids.ts';
import type { Change, ChangeFeed } from '../../catalog/change-feed.ts';
import type { Scheduled, Scheduler } from '../../job/scheduler.ts';

/** For how long changes are gathered before they become events. */
const gatherMs = 50;

export interface LoggedEvent {
  readonly number: number;
  readonly change: Change;
}

export class EventLog {
  /** Names this run: the numbers of another one mean nothing here. */
  readonly run = newId();
  readonly #scheduler: Scheduler;
  readonly #keptMax: number;
  readonly #stop: () => void;
  #events: LoggedEvent[] = [];
  #newest = 0;
  #gathered = new Map<string, Change>();
  #timer: Scheduled | undefined;
  #waiting = new Set<() => void>();

  constructor(feed: ChangeFeed, scheduler: Scheduler, keptMax = 2048) {
    this.#scheduler = scheduler;
    this.#keptMax = keptMax;
    this.#stop = feed.subscribe((changes) => this.#gather(changes));
  }

  /** The number of the newest event; 0 before the first. */
  get newest(): number {
    return this.#newest;
  }

  /** The event after `number`, if there is one yet; `dropped` when it is not kept any more. */
  after(number: number): LoggedEvent | 'dropped' | undefined {
    assert(number >= 0 && number <= this.#newest, 'a position within the log');
    const unread = this.#newest - number;
    if (unread > this.#events.length) return 'dropped';
    return this.#events[this.#events.length - unread];
  }

  /** Calls `wake` once, when there is an event after the newest; the returned function: never. */
  onNext(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => void this.#waiting.delete(wake);
  }

  close(): void {
    this.#stop();
    this.#timer?.cancel();
  }

  #gather(changes: readonly Change[]): void {
    for (const change of changes) {
      const key = `${change.kind} ${change.table} ${change.id}`;
      this.#gathered.delete(key);
      this.#gathered.set(key, change);
    }
    this.#timer ??= this.#scheduler.after(gatherMs, () => this.#log());
  }

  #log(): void {
    this.#timer = undefined;
    for (const change of this.#gathered.values()) {
      this.#newest += 1;
      this.#events.push({ number: this.#newest, change });
    }
    this.#gathered = new Map();
    if (this.#events.length > this.#keptMax) this.#events = this.#events.slice(-this.#keptMax);
    const woken = this.#waiting;
    this.#waiting = new Set();
    for (const wake of woken) wake();
  }
}
