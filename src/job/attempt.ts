/**
 * One attempt at one job: from its claim to the next state of its row.
 *
 * | the handler                                        | the row becomes                     |
 * |----------------------------------------------------|-------------------------------------|
 * | resolved                                           | `done`                              |
 * | rejected after it was told to stop                 | `queued`; the attempt does not count |
 * | rejected with a retryable error, attempts are left | `queued`, due after a wait          |
 * | rejected otherwise, and `fail` resolved            | `failed`                            |
 * | rejected otherwise, and `fail` rejected            | `queued`, due after a wait          |
 *
 * When the row cannot be changed, it stays `running` and is claimed again after the lease's end.
 * When the lease is lost, somebody else works on the job, and nothing is done about the subject
 * here.
 */
import { must } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { messageOf, OperatingError } from '../base/errors.ts';
import type { JobRow } from '../catalog/tables.ts';
import type { JobHandler } from './job.ts';
import { leaseMs, type Leases } from './leases.ts';
import { ProgressKeeper, type Progress } from './progress.ts';
import { attemptCountMax, errorText, isRetryable, retryDelayMs } from './retry.ts';
import type { Scheduler } from './scheduler.ts';

/** Where attempts are told of; a pino logger is one. */
export interface JobLog {
  info(facts: object, text: string): void;
  warn(facts: object, text: string): void;
  error(facts: object, text: string): void;
}

export interface AttemptParts {
  readonly leases: Leases;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: JobLog;
}

export class Attempt {
  readonly job: JobRow;
  readonly #handler: JobHandler | undefined;
  readonly #parts: AttemptParts;
  readonly #progress: ProgressKeeper;
  readonly #controller = new AbortController();
  #leaseEndsAt: number;
  #ended = false;

  constructor(job: JobRow, handler: JobHandler | undefined, parts: AttemptParts) {
    this.job = job;
    this.#handler = handler;
    this.#parts = parts;
    this.#leaseEndsAt = must(job.leaseExpiresAt, 'the lease of a claimed job');
    this.#progress = new ProgressKeeper(parts.scheduler, (progress) => this.#keep(progress));
  }

  /** Tells the handler to stop. */
  abort(): void {
    this.#controller.abort(new OperatingError('aborted', 'The work was told to stop.'));
  }

  /** Prolongs the lease, and tells the handler to stop when it is lost, or ended without news. */
  async renew(): Promise<void> {
    if (this.#ended) return;
    const { clock, leases } = this.#parts;
    const beganAt = clock.now();
    await this.#underLease('renewing the lease', async () => {
      const renewed = await leases.renew(this.job.id);
      if (renewed) this.#leaseEndsAt = beganAt + leaseMs;
      return renewed;
    });
    if (clock.now() >= this.#leaseEndsAt) this.abort();
  }

  /** Runs the handler and changes the row. Never rejects. */
  async run(): Promise<void> {
    const outcome = await this.#outcome();
    const progress = await this.#progress.end();
    this.#ended = true;
    await this.#underLease('ending the attempt', () =>
      this.#parts.leases.change(this.job.id, { ...progress, ...outcome }),
    );
  }

  async #outcome(): Promise<Partial<JobRow>> {
    try {
      const beganAt = this.#parts.clock.now();
      await this.#run();
      const durationMs = this.#parts.clock.now() - beganAt;
      this.#parts.log.info({ ...this.#facts(undefined), durationMs }, 'a job is done');
      return { state: 'done', leaseOwner: null, leaseExpiresAt: null, error: null };
    } catch (error) {
      if (this.#controller.signal.aborted) {
        return { ...this.#queued(null), attempts: this.job.attempts - 1 };
      }
      if (isRetryable(error) && this.job.attempts < attemptCountMax) {
        this.#parts.log.warn(this.#facts(error), 'a job will be tried again');
        return this.#later(errorText(error));
      }
      return await this.#fail(error);
    }
  }

  async #run(): Promise<void> {
    const { attempts, error, kind } = this.job;
    if (this.#handler === undefined) {
      throw new OperatingError('invalid_state', `This version of Firn has no work named ${kind}.`);
    }
    if (attempts > attemptCountMax) {
      const reason = error ?? `The work was interrupted ${attemptCountMax} times.`;
      throw new OperatingError('aborted', reason);
    }
    await this.#handler.run(this.job, {
      signal: this.#controller.signal,
      progress: (bytesDone, bytesTotal) => this.#progress.report(bytesDone, bytesTotal),
      waitsFor: (what) => void this.#keepWaiting(what),
    });
  }

  async #fail(error: unknown): Promise<Partial<JobRow>> {
    // A process that was suspended for longer than its lease learns here that it has lost it.
    await this.renew();
    if (this.#controller.signal.aborted) return this.#queued(null);
    this.#parts.log.error(this.#facts(error), 'a job failed');
    try {
      await this.#handler?.fail(this.job, error);
      return { state: 'failed', leaseOwner: null, leaseExpiresAt: null, error: errorText(error) };
    } catch (second) {
      this.#parts.log.error(this.#facts(second), 'the failure of a job could not be recorded');
      return this.#later(errorText(`${messageOf(error)} Then: ${messageOf(second)}`));
    }
  }

  #later(error: string): Partial<JobRow> {
    const delayMs = retryDelayMs(this.job.attempts);
    return { ...this.#queued(this.#parts.clock.now() + delayMs), error };
  }

  #queued(notBefore: number | null): Partial<JobRow> {
    return { state: 'queued', leaseOwner: null, leaseExpiresAt: notBefore };
  }

  async #keep(progress: Progress): Promise<void> {
    await this.#underLease('keeping the progress', () =>
      this.#parts.leases.change(this.job.id, progress),
    );
  }

  async #keepWaiting(what: string | null): Promise<void> {
    const payload = { ...this.job.payload, waitsFor: what };
    await this.#underLease('noting what the work waits for', () =>
      this.#parts.leases.change(this.job.id, { payload }),
    );
  }

  async #underLease(doing: string, change: () => Promise<boolean>): Promise<void> {
    try {
      if (await change()) return;
      this.#parts.log.warn(this.#facts(undefined), `the lease of a job was lost, when ${doing}`);
      this.abort();
    } catch (error) {
      this.#parts.log.error(this.#facts(error), `the catalogue failed when ${doing}`);
    }
  }

  #facts(error: unknown): object {
    const { id, kind, subjectId, requestId, attempts } = this.job;
    return { job: id, kind, subjectId, requestId, attempts, err: error };
  }
}
