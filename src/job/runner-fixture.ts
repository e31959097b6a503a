/**
 * What the tests of the runner need: a catalogue, simulated time, and handlers that wait to be
 * told.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must } from '../base/assert.ts';
import { newId } from '../base/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { openSqliteCatalog } from '../catalog/sqlite.ts';
import type { JobRow } from '../catalog/tables.ts';
import type { JobLog } from './attempt.ts';
import type { JobContext, JobHandler, NewJob } from './job.ts';
import { JobRunner, type RunnerParts } from './runner.ts';
import { SimulatedTime } from './simulated-time.ts';

/** A run of the handler that goes on until the test ends it. */
export interface HeldRun {
  readonly job: JobRow;
  readonly context: JobContext;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class HoldingHandler implements JobHandler {
  readonly runs: HeldRun[] = [];
  readonly failures: { job: JobRow; error: unknown }[] = [];

  run(job: JobRow, context: JobContext): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.runs.push({ job, context, resolve, reject });
    return promise;
  }

  async fail(job: JobRow, error: unknown): Promise<void> {
    this.failures.push({ job, error });
  }

  last(): HeldRun {
    return must(this.runs.at(-1), 'a run');
  }
}

export class RunnerFixture {
  readonly time = new SimulatedTime();
  readonly logged: { facts: object; text: string }[] = [];
  readonly catalog: Catalog;
  readonly #folder: string;
  readonly #runners: JobRunner[] = [];

  private constructor(folder: string, catalog: Catalog) {
    this.#folder = folder;
    this.catalog = catalog;
  }

  static async open(): Promise<RunnerFixture> {
    const folder = await mkdtemp(join(tmpdir(), 'firn-job-'));
    return new RunnerFixture(folder, await openSqliteCatalog({ path: join(folder, 'firn.db') }));
  }

  async close(): Promise<void> {
    await Promise.all(this.#runners.map((runner) => runner.stop()));
    await this.catalog.close();
    await rm(this.#folder, { recursive: true });
  }

  /** A runner that is stopped when the fixture is closed. */
  runner(handler: JobHandler, parts: Partial<RunnerParts> = {}): JobRunner {
    const runner = this.mortalRunner(handler, parts);
    this.#runners.push(runner);
    return runner;
  }

  /** A runner that the test lets die: nobody stops it. */
  mortalRunner(handler: JobHandler, parts: Partial<RunnerParts> = {}): JobRunner {
    const note = (facts: object, text: string): void => {
      this.logged.push({ facts, text });
    };
    const log: JobLog = { info: () => undefined, warn: note, error: note };
    const { catalog, time } = this;
    const handlers = { work: handler };
    return new JobRunner({
      catalog,
      handlers,
      parallel: 2,
      clock: time,
      scheduler: time,
      log,
      ...parts,
    });
  }

  async add(runner: JobRunner, facts: Partial<NewJob> = {}): Promise<string> {
    const job = { kind: 'work', projectId: 'p', subjectId: newId(), requestId: 'req-1', ...facts };
    const id = await this.catalog.transact((transaction) => runner.add(transaction, job));
    runner.wake();
    await this.time.settle();
    return id;
  }

  async job(id: string): Promise<JobRow> {
    return must(await this.catalog.find('jobs', { id }), 'the job');
  }
}
