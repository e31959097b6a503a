/**
 * The runner of jobs: one a process, any number on one catalogue.
 *
 * - At most `parallel` attempts run here at a time; jobs of one lane, which is mostly that of their
 *   subject, run one at a time, in the order in which they were added, on whichever runner
 *   (`leases.ts`).
 * - A scan for jobs is made when somebody wakes the runner, when an attempt ends, when a job
 *   becomes due, and every few seconds, as jobs of other processes may be left or added at any
 *   time.
 * - Leases are renewed three times in their length, also while the runner stops.
 */
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { newId } from '../base/ids.ts';
import type { Catalog, CatalogWriter } from '../catalog/catalog.ts';
import type { JobRow } from '../catalog/tables.ts';
import { Attempt, type AttemptParts, type JobLog } from './attempt.ts';
import { type JobHandlers, type JobQueue, laneOf, type NewJob } from './job.ts';
import { leaseMs, Leases } from './leases.ts';
import { pruneJobs } from './prune.ts';
import type { Scheduled, Scheduler } from './scheduler.ts';

const scanIntervalMs = 5000;
const renewIntervalMs = leaseMs / 3;
const pruneIntervalMs = 60 * 60 * 1000;

export interface RunnerParts {
  readonly catalog: Catalog;
  readonly handlers: JobHandlers;
  /** How many jobs run at a time. */
  readonly parallel: number;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: JobLog;
}

export class JobRunner implements JobQueue {
  readonly #parts: RunnerParts;
  readonly #attemptParts: AttemptParts;
  readonly #leases: Leases;
  readonly #running = new Map<Attempt, Promise<void>>();
  readonly #timers = new Map<string, Scheduled>();
  #state: 'new' | 'started' | 'stopping' | 'stopped' = 'new';
  #scan: Promise<void> | undefined;
  #scanAgain = false;
  #lastCreatedAt = 0;

  constructor(parts: RunnerParts) {
    assert(parts.parallel >= 1, 'a runner runs at least one job at a time');
    const { catalog, clock, scheduler, log } = parts;
    this.#parts = parts;
    this.#leases = new Leases(catalog, clock, {
      owner: newId(),
      laneOf: (job) => laneOf(parts.handlers, job),
    });
    this.#attemptParts = { leases: this.#leases, clock, scheduler, log };
  }

  async add(transaction: CatalogWriter, job: NewJob): Promise<string> {
    const id = newId();
    const now = this.#parts.clock.now();
    // Jobs that are added in one millisecond keep their order.
    this.#lastCreatedAt = Math.max(now, this.#lastCreatedAt + 1);
    await transaction.insert('jobs', {
      id,
      kind: job.kind,
      projectId: job.projectId,
      subjectId: job.subjectId,
      requestId: job.requestId,
      payload: job.payload ?? {},
      state: 'queued',
      leaseOwner: null,
      leaseExpiresAt: null,
      attempts: 0,
      bytesDone: 0,
      bytesTotal: 0,
      error: null,
      createdAt: this.#lastCreatedAt,
      updatedAt: now,
    });
    return id;
  }

  wake(): void {
    if (this.#state !== 'started') return;
    this.#scanAgain = true;
    this.#scan ??= this.#scanWhileWoken();
  }

  /**
   * Begins to work. `takeOver`: the caller knows that no other runner lives on this catalogue, so
   * that jobs which are marked as running are resumed at once, without waiting for their leases.
   */
  async start(options: { takeOver?: boolean } = {}): Promise<void> {
    assert(this.#state === 'new', 'a runner is started once');
    this.#state = 'started';
    if (options.takeOver === true) await this.#leases.takeOver();
    this.#every('renew', renewIntervalMs, () => this.#renew());
    this.#every('prune', pruneIntervalMs, () => this.#prune());
    this.wake();
  }

  /**
   * Tells the handlers to stop, and resolves when all have, and their jobs are back in the queue.
   */
  async stop(): Promise<void> {
    this.#state = 'stopping';
    await this.#scan;
    for (const attempt of this.#running.keys()) attempt.abort();
    await Promise.all(this.#running.values());
    this.#state = 'stopped';
    for (const timer of this.#timers.values()) timer.cancel();
  }

  /** Resolves when nothing runs and nothing is due. */
  async idle(): Promise<void> {
    while (this.#scan !== undefined || this.#running.size > 0) {
      await this.#scan;
      await Promise.all(this.#running.values());
    }
  }

  async #scanWhileWoken(): Promise<void> {
    let nextDue = Infinity;
    while (this.#scanAgain && this.#state === 'started') {
      this.#scanAgain = false;
      try {
        nextDue = await this.#claimAll();
      } catch (error) {
        this.#parts.log.error({ err: error }, 'the catalogue failed when looking for jobs');
      }
    }
    this.#scan = undefined;
    if (this.#state !== 'started') return;
    const delayMs = Math.min(scanIntervalMs, Math.max(0, nextDue - this.#parts.clock.now()));
    this.#after('scan', delayMs, () => this.wake());
  }

  /** Claims all that there is room for; returns when the next job becomes due. */
  async #claimAll(): Promise<number> {
    const { handlers } = this.#parts;
    const busy = new Set([...this.#running.keys()].map(({ job }) => laneOf(handlers, job)));
    let nextDue = Infinity;
    for await (const candidate of this.#leases.candidates()) {
      if (this.#running.size >= this.#parts.parallel || this.#state !== 'started') break;
      const lane = laneOf(handlers, candidate);
      if (busy.has(lane)) continue;
      // Whether it is claimed or not, the younger jobs of the same lane have to wait.
      busy.add(lane);
      const dueAt = candidate.leaseExpiresAt ?? 0;
      if (dueAt > this.#parts.clock.now()) {
        nextDue = Math.min(nextDue, dueAt);
        continue;
      }
      const job = await this.#leases.claim(candidate);
      if (job !== undefined) this.#attempt(job);
    }
    return nextDue;
  }

  #attempt(job: JobRow): void {
    const attempt = new Attempt(job, this.#parts.handlers[job.kind], this.#attemptParts);
    this.#running.set(attempt, this.#runToItsEnd(attempt));
  }

  async #runToItsEnd(attempt: Attempt): Promise<void> {
    await attempt.run();
    this.#running.delete(attempt);
    this.wake();
  }

  async #renew(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((attempt) => attempt.renew()));
  }

  async #prune(): Promise<void> {
    try {
      await pruneJobs(this.#parts.catalog);
    } catch (error) {
      this.#parts.log.error({ err: error }, 'the catalogue failed when pruning jobs');
    }
  }

  /** Runs `work`, which never rejects, again and again, with a pause after each. */
  #every(name: string, intervalMs: number, work: () => Promise<void>): void {
    this.#after(name, intervalMs, () => {
      void work().then(() => this.#every(name, intervalMs, work));
    });
  }

  #after(name: string, delayMs: number, work: () => void): void {
    if (this.#state === 'stopped') return;
    this.#timers.get(name)?.cancel();
    this.#timers.set(name, this.#parts.scheduler.after(delayMs, work));
  }
}
