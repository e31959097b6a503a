/** Plans over a real catalogue, with workers that need no data, on a clock that the test moves. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { KeptBackups } from '../backup/backing-source.ts';
import { openRepositories } from '../backup/repositories.ts';
import { must } from '../base/assert.ts';
import { newId } from '../base/ids.ts';
import { everyProject, type Catalog } from '../catalog/catalog.ts';
import { watchCatalog } from '../catalog/change-feed.ts';
import type { PlanRow, PlanRunRow } from '../catalog/plan-tables.ts';
import { sampleVolume } from '../catalog/sample-rows.ts';
import { openSqliteCatalog } from '../catalog/sqlite.ts';
import type { BackupRow, JobRow, VolumeRow } from '../catalog/tables.ts';
import { ServedExports } from '../dataplane/served-exports.ts';
import type { Caller } from '../identity/caller.ts';
import { ExportRegistry } from '../nbd/exports.ts';
import { everyRow } from '../catalog/every-row.ts';
import { callerIn, HandQueue } from '../operation/operation-fixture.ts';
import { byId } from '../operation/scope.ts';
import { seedVolumeTypes } from '../operation/type/seed-volume-types.ts';
import { openMemoryRoot } from '../store/memory.ts';
import { openVolumeEngine } from '../volume/open-engine.ts';
import type { PlanNeeds } from './needs.ts';
import { createPlan, type PlanInput } from './plans.ts';
import { PlanScheduler } from './scheduler.ts';

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

/** A file system on which syncing costs nothing, where there is one. */
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** Something that has an end: a test's context, or a bench. */
export interface Ending {
  readonly after: (work: () => Promise<void>) => void;
}

export interface PlanScene {
  readonly needs: PlanNeeds;
  readonly catalog: Catalog;
  readonly clock: { now(): number; set(ms: number): void };
  readonly caller: Caller;
  readonly scheduler: PlanScheduler;
  /** Another scheduler, as another process would have it. */
  secondScheduler(): PlanScheduler;
  volume(facts?: Partial<VolumeRow>): Promise<VolumeRow>;
  plan(facts: Partial<PlanInput>): Promise<PlanRow>;
  /** Ends all jobs that wait; `fails` says of which that they fail. */
  work(fails?: (job: JobRow) => boolean): Promise<void>;
  backups(): Promise<BackupRow[]>;
  runs(): Promise<PlanRunRow[]>;
}

export async function openPlanScene(
  t: Ending,
  openCatalog?: (folder: string) => Promise<Catalog>,
): Promise<PlanScene> {
  const folder = await mkdtemp(join(scratch, 'firn-plan-'));
  const open = openCatalog ?? ((at) => openSqliteCatalog({ path: join(at, 'catalog.sqlite') }));
  const opened = await open(folder);
  const { catalog, feed } = watchCatalog(opened);
  const engine = await openVolumeEngine({ folder: join(folder, 'volumes') });
  let nowMs = Date.UTC(2026, 0, 1, 12);
  const clock = { now: () => nowMs, set: (ms: number) => void (nowMs = ms) };
  const jobs = new HandQueue(catalog);
  const exports = new ServedExports(engine, new ExportRegistry());
  const root = openMemoryRoot();
  const repositories = openRepositories({ root, wrappingKey: Buffer.alloc(32, 7) });
  const keptBackups = new KeptBackups(repositories);
  const needs: PlanNeeds = { catalog, clock, jobs, engine, exports, repositories, keptBackups };
  const log = { error: () => undefined };
  const parts = { clock, scheduler: { after: () => ({ cancel: () => undefined }) }, log };
  const scheduler = new PlanScheduler({ ...parts, needs, runsAtOnce: 1000 });
  scheduler.follow(feed);
  const closers: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const close of closers) await close();
    await repositories.close();
    await engine.close();
    await opened.close();
    await rm(folder, { recursive: true });
  });
  const caller = callerIn('alpha');
  await seedVolumeTypes(catalog, clock);
  const types = await catalog.list('volumeTypes', { where: {}, limit: 1 });
  const volumeTypeId = must(types[0], 'a volume type').id;
  return {
    needs,
    catalog,
    clock,
    caller,
    scheduler,
    secondScheduler: () => new PlanScheduler({ ...parts, needs, runsAtOnce: 1000 }),
    async volume(facts = {}) {
      const row = sampleVolume({ id: newId(), projectId: 'alpha', volumeTypeId, ...facts });
      await catalog.insert('volumes', row);
      return row;
    },
    plan: (facts) => createPlan(needs, caller, { ...dullPlan, ...facts }),
    work: (fails = () => false) => work(catalog, clock, fails),
    backups: () => rowsOf(everyRow(catalog, 'backups', { projectId: everyProject })),
    runs: () => rowsOf(everyRow(catalog, 'planRuns', { projectId: everyProject })),
  };
}

const dullPlan: PlanInput = {
  name: 'nightly',
  description: null,
  enabled: true,
  action: 'backup',
  selection: { all: true },
  schedule: 'daily',
  timeZone: 'UTC',
  spreadMinutes: 0,
  retention: {},
  options: {},
};

async function rowsOf<R>(rows: AsyncIterable<R>): Promise<R[]> {
  const found: R[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

/** What the jobs of snapshots and backups do to the catalogue, without the data. */
async function work(
  catalog: Catalog,
  clock: { now(): number },
  fails: (job: JobRow) => boolean,
): Promise<void> {
  for (;;) {
    const [job] = await catalog.list('jobs', { where: { state: 'queued' }, limit: 1 });
    if (job === undefined) return;
    await end(catalog, job, fails(job), clock.now());
    await catalog.remove('jobs', { id: job.id, state: 'done' });
    await catalog.change('jobs', { id: job.id }, { state: 'done' });
  }
}

async function end(catalog: Catalog, job: JobRow, fails: boolean, now: number): Promise<void> {
  const where = byId(job.subjectId);
  if (job.kind === 'snapshot.delete') await catalog.remove('snapshots', where);
  if (job.kind === 'backup.delete') await catalog.remove('backups', where);
  if (job.kind === 'snapshot.create') {
    await catalog.change('snapshots', where, { status: fails ? 'error' : 'available' });
  }
  if (job.kind === 'backup.create') {
    const outcome = fails
      ? ({ status: 'error', failReason: 'The store is away.' } as const)
      : ({ status: 'available', updatedAt: now } as const);
    const backup = await catalog.change('backups', where, outcome);
    if (backup !== undefined) {
      await catalog.change('volumes', byId(backup.volumeId), { status: 'available' });
    }
  }
}
