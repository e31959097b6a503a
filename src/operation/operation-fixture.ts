/** Operations over a real catalogue, engine and repository in a fresh folder, for tests. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { KeptBackups } from '../backup/backing-source.ts';
import { Hydrator } from '../backup/hydrator.ts';
import { openRepositories, type Replication } from '../backup/repositories.ts';
import { must } from '../base/assert.ts';
import { hostSpaceOf } from '../base/host-space.ts';
import { newId } from '../base/ids.ts';
import type { Catalog, CatalogWriter } from '../catalog/catalog.ts';
import { type ChangeFeed, watchCatalog } from '../catalog/change-feed.ts';
import { openSqliteCatalog } from '../catalog/sqlite.ts';
import type { JobRow } from '../catalog/tables.ts';
import type { Caller } from '../identity/caller.ts';
import type { JobContext, JobHandlers, JobQueue, NewJob } from '../job/job.ts';
import { ServedExports } from '../dataplane/served-exports.ts';
import { ExportRegistry } from '../nbd/exports.ts';
import { openMemoryRoot } from '../store/memory.ts';
import type { StoreRoot } from '../store/store.ts';
import { openVolumeEngine } from '../volume/open-engine.ts';
import { AdoptionFolder } from './disk/adoption-folder.ts';
import { seedGroupTypes } from './group/seed-group-types.ts';
import { jobHandlers } from './handlers.ts';
import { ImageFiles } from './image/image-files.ts';
import type { OperationNeeds } from './needs.ts';
import { seedVolumeTypes } from './type/seed-volume-types.ts';

/** A queue whose jobs run when the test says so, one after the other. */
export class HandQueue implements JobQueue {
  readonly #catalog: Catalog;
  #clockMs = 0;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  async add(transaction: CatalogWriter, job: NewJob): Promise<string> {
    const id = newId();
    this.#clockMs += 1;
    await transaction.insert('jobs', {
      ...job,
      id,
      payload: job.payload ?? {},
      state: 'queued',
      leaseOwner: null,
      leaseExpiresAt: null,
      attempts: 0,
      bytesDone: 0,
      bytesTotal: 0,
      error: null,
      createdAt: this.#clockMs,
      updatedAt: this.#clockMs,
    });
    return id;
  }

  wake(): void {
    // The test runs the jobs.
  }

  /** The oldest job that waits. */
  async next(): Promise<JobRow | undefined> {
    const [job] = await this.#catalog.list('jobs', {
      where: { state: 'queued' },
      sort: [{ field: 'createdAt', direction: 'asc' }],
      limit: 1,
    });
    return job;
  }

  /** Runs all jobs that wait, and those that they add; one that rejects fails. */
  async runAll(handlers: JobHandlers): Promise<void> {
    for (;;) {
      const job = await this.next();
      if (job === undefined) return;
      const handler = must(handlers[job.kind], `a handler for ${job.kind}`);
      try {
        await handler.run(job, jobContext());
        await this.#catalog.change('jobs', { id: job.id }, { state: 'done' });
      } catch (error) {
        await handler.fail(job, error);
        await this.#catalog.change('jobs', { id: job.id }, { state: 'failed' });
      }
    }
  }
}

export function jobContext(signal: AbortSignal = new AbortController().signal): JobContext {
  return { signal, progress: () => undefined, waitsFor: () => undefined };
}

export interface Scene extends Omit<OperationNeeds, 'jobs'> {
  readonly jobs: HandQueue;
  /** What changes in the catalogue. */
  readonly feed: ChangeFeed;
  /** What `exports` are served from. */
  readonly registry: ExportRegistry;
  readonly root: StoreRoot;
  readonly handlers: JobHandlers;
  /** Runs all jobs that wait. */
  work(): Promise<void>;
}

const admin = ['admin', 'member', 'reader'];

export function callerIn(projectId: string, roles: readonly string[] = ['member']): Caller {
  const requestId = 'req-11111111-1111-4111-8111-111111111111';
  return { userId: 'user', userName: 'user', projectId, projectName: projectId, roles, requestId };
}

export const max = callerIn('alpha');
export const bob = callerIn('beta');
export const ann = callerIn('alpha', admin);

/** A clock that goes on by one second each time it is asked. */
export function steppingClock(): { now(): number } {
  let nowMs = Date.UTC(2026, 0, 1);
  return {
    now() {
      nowMs += 1000;
      return nowMs;
    },
  };
}

export interface SceneOptions {
  /** A store that several scenes share, or that has a copy. */
  readonly root?: StoreRoot;
  readonly replication?: Replication;
}

export async function openScene(
  t: TestContext,
  { root = openMemoryRoot(), replication }: SceneOptions = {},
): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-operation-'));
  await mkdir(join(folder, 'adoption'));
  const opened = await openSqliteCatalog({ path: join(folder, 'catalogue.db') });
  const { catalog, feed } = watchCatalog(opened);
  const repositories = openRepositories({
    root,
    wrappingKey: Buffer.alloc(32, 7),
    replication,
  });
  const backups = new KeptBackups(repositories);
  const engine = await openVolumeEngine({ folder: join(folder, 'volumes'), source: backups });
  const hydrator = new Hydrator({ engine, backups, report: () => undefined });
  await hydrator.start();
  const jobs = new HandQueue(catalog);
  const registry = new ExportRegistry();
  const needs = {
    catalog,
    engine,
    repositories,
    hydrator,
    jobs,
    clock: steppingClock(),
    exports: new ServedExports(engine, registry, { backups }),
    keptBackups: backups,
    nbd: { host: '127.0.0.1', port: 10809, socketPath: '/run/firn/nbd.sock', tls: false },
    adoption: new AdoptionFolder(join(folder, 'adoption')),
    journalFolder: folder,
    hostSpace: () => hostSpaceOf(folder),
    images: new ImageFiles(join(folder, 'images')),
  };
  await needs.images.prepare();
  await seedVolumeTypes(catalog, needs.clock);
  await seedGroupTypes(catalog, needs.clock);
  const handlers = jobHandlers(needs);
  t.after(async () => {
    await hydrator.stop();
    await repositories.close();
    await engine.close();
    await catalog.close();
    await rm(folder, { recursive: true });
  });
  return { ...needs, feed, registry, root, handlers, work: () => jobs.runAll(handlers) };
}
