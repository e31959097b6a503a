/**
 * Claims of jobs, and the rows of jobs that are claimed.
 *
 * - A job is claimed when it is queued and due, or running under a lease that has ended, and when
 *   it is the oldest unfinished one of its lane. So jobs of one subject run one at a time and in
 *   order, but for those that run beside the others (`laneOf`).
 * - While a job is queued, `leaseExpiresAt` is the time before which it is not claimed; null: at
 *   once.
 * - Only the owner of the lease changes the row of a running job. An owner that finds the row not
 *   to be its own any more has lost the lease, and stops.
 */
import type { Clock } from '../base/clock.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { JobRow } from '../catalog/tables.ts';

export const leaseMs = 30_000;
const pageCount = 100;
const oldestFirst = [{ field: 'createdAt', direction: 'asc' }] as const;

export class Leases {
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #owner: string;
  readonly #laneOf: (job: JobRow) => string;

  constructor(
    catalog: Catalog,
    clock: Clock,
    { owner, laneOf }: { owner: string; laneOf: (job: JobRow) => string },
  ) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#owner = owner;
    this.#laneOf = laneOf;
  }

  /**
   * Jobs that may be claimed now or later: those of ended leases, then the queued; oldest first.
   */
  async *candidates(): AsyncGenerator<JobRow> {
    const ended = { state: 'running', leaseExpiresAt: { atMost: this.#clock.now() } } as const;
    for (const where of [ended, { state: 'queued' } as const]) {
      let last: JobRow | undefined;
      for (;;) {
        const after = last === undefined ? {} : { after: last };
        const query = { where, sort: oldestFirst, limit: pageCount, ...after };
        const page = await this.#catalog.list('jobs', query);
        yield* page;
        last = page.at(-1);
        if (page.length < pageCount) break;
      }
    }
  }

  /** Claims a candidate, and returns its row as it then is; undefined when it cannot be had. */
  async claim(job: JobRow): Promise<JobRow | undefined> {
    return await this.#catalog.transact(async (transaction) => {
      const unfinished = await transaction.list('jobs', {
        where: { subjectId: job.subjectId, state: ['queued', 'running'] },
        sort: oldestFirst,
        limit: pageCount,
      });
      const lane = this.#laneOf(job);
      const oldest = unfinished.find((each) => this.#laneOf(each) === lane);
      if (oldest?.id !== job.id) return undefined;
      const { id, state, leaseOwner, leaseExpiresAt } = job;
      return await transaction.change(
        'jobs',
        { id, state, leaseOwner, leaseExpiresAt },
        {
          ...this.#lease(),
          state: 'running',
          leaseOwner: this.#owner,
          attempts: job.attempts + 1,
        },
      );
    });
  }

  /** Prolongs the lease; false when it is lost. */
  async renew(id: string): Promise<boolean> {
    return await this.change(id, this.#lease());
  }

  /** Changes the row of a job under the lease; false when the lease is lost. */
  async change(id: string, changes: Partial<JobRow>): Promise<boolean> {
    const row = await this.#catalog.change(
      'jobs',
      { id, state: 'running', leaseOwner: this.#owner },
      { updatedAt: this.#clock.now(), ...changes },
    );
    return row !== undefined;
  }

  /**
   * Puts all running jobs of others back into the queue: for when every other owner is known to be
   * dead.
   */
  async takeOver(): Promise<void> {
    for (;;) {
      const where = { state: 'running', leaseOwner: { not: this.#owner } } as const;
      const jobs = await this.#catalog.list('jobs', { where, limit: pageCount });
      for (const { id, leaseOwner } of jobs) {
        const changes = { state: 'queued', leaseOwner: null, leaseExpiresAt: null } as const;
        await this.#catalog.change('jobs', { id, state: 'running', leaseOwner }, changes);
      }
      if (jobs.length < pageCount) return;
    }
  }

  #lease(): Pick<JobRow, 'leaseExpiresAt' | 'updatedAt'> {
    const now = this.#clock.now();
    return { leaseExpiresAt: now + leaseMs, updatedAt: now };
  }
}
