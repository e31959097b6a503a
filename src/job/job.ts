/**
 * Jobs: the durable background part of operations.
 *
 * A job is a row that is inserted in the same transaction as the status change that it serves. A
 * runner claims it under a lease and calls its handler. The states:
 *
 * - `queued`: nobody works on it.
 * - `running`: `leaseOwner` works on it and renews the lease. When the process dies, another runner
 *   claims it after the lease's end (the next process of the same data folder: at once) and
 * *resumes*.
 * - `done`: the handler resolved. `failed`: it rejected, and `fail` has put the subject right.
 *
 * A handler may therefore run more than once for one job, from the start, at any point of its work:
 * it looks at what is there and goes on. No job is left `running` by a process that ended in order.
 */
import type { CatalogWriter } from '../catalog/catalog.ts';
import type { JobRow } from '../catalog/tables.ts';
import type { JsonObject } from '../base/json.ts';

export interface JobContext {
  /**
   * Aborted when the runner stops; the handler then rejects with `aborted` and is resumed later.
   */
  readonly signal: AbortSignal;
  /** Keeps the progress in the job's row, at most a few times a second. */
  progress(bytesDone: number, bytesTotal: number): void;
  /** Keeps in the job's row what it waits for, for people; null when it goes on. */
  waitsFor(what: string | null): void;
}

/** What a job waits for at the moment; null when it waits for nothing that is known. */
export function waitsFor({ state, payload }: JobRow): string | null {
  const { waitsFor: what } = payload;
  return state === 'running' && typeof what === 'string' ? what : null;
}

export interface JobHandler {
  /**
   * True for work that only looks at its subject: it runs beside the subject's other jobs, which do
   * not wait for it. Jobs of one such kind and subject still run one at a time.
   */
  readonly beside?: boolean;
  run(job: JobRow, context: JobContext): Promise<void>;
  /** Puts the subject into its error status, with a message, after `run` rejected for good. */
  fail(job: JobRow, error: unknown): Promise<void>;
}

export type JobHandlers = { readonly [kind: string]: JobHandler };

/** Jobs of one subject and one lane run one at a time, in the order in which they were added. */
export function laneOf(handlers: JobHandlers, { kind, subjectId }: JobRow): string {
  return handlers[kind]?.beside === true ? `${subjectId} ${kind}` : subjectId;
}

export interface NewJob {
  kind: string;
  projectId: string;
  subjectId: string;
  requestId: string;
  payload?: JsonObject;
}

/** What operations see of the queue. */
export interface JobQueue {
  /** Adds a job within the transaction of the change that it serves. */
  add(transaction: CatalogWriter, job: NewJob): Promise<string>;
  /** Looks for queued jobs now; called after the transaction. */
  wake(): void;
}
