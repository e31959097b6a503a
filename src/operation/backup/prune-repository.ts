/**
 * Giving back what no backup of a repository refers to: a job with the container as its subject.
 * All deletions that come while one waits share it, however many they are.
 */
import { pruneRepository } from '../../backup/prune-repository.ts';
import { isOperatingError, isRefusal, OperatingError } from '../../base/errors.ts';
import { type Catalog, type CatalogWriter, everyProject } from '../../catalog/catalog.ts';
import { everyPick } from '../../catalog/every-row.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { JobHandler, JobQueue } from '../../job/job.ts';
import { recordFailure } from '../message.ts';
import type { OperationNeeds, Starting } from '../needs.ts';
import { byId } from '../scope.ts';
import type { Repository } from './repository-types.ts';

/** The kind of the jobs. */
export const pruneKind = 'repository.prune';
const kind = pruneKind;

/** What has to come before something that a store refuses to remove can be removed. */
export const untilAllowed =
  'when the store lets objects be removed: look for missing rights, an object lock, a retention ' +
  'rule, or an immutable folder';

/** Sees to it that a container is pruned after this transaction. */
export async function addPrune(
  transaction: CatalogWriter,
  jobs: JobQueue,
  of: { container: string; projectId: string; requestId: string },
): Promise<void> {
  const where = { kind, subjectId: of.container, state: 'queued' } as const;
  if ((await transaction.find('jobs', where)) !== undefined) return;
  const { projectId, requestId } = of;
  await jobs.add(transaction, { kind, projectId, subjectId: of.container, requestId });
}

/**
 * Prunes a container once more, in the name of whoever had it pruned last: what is to go was still
 * in use then.
 */
export async function pruneAgain(
  { catalog, jobs }: Pick<OperationNeeds, 'catalog' | 'jobs'>,
  container: string,
): Promise<void> {
  await catalog.transact(async (transaction) => {
    const [last] = await transaction.list('jobs', {
      where: { kind, subjectId: container },
      sort: [{ field: 'createdAt', direction: 'desc' }],
      limit: 1,
    });
    if (last === undefined) return;
    const { projectId, requestId } = last;
    await addPrune(transaction, jobs, { container, projectId, requestId });
  });
  jobs.wake();
}

/** What a prune would do; all figures in bytes as the store counts them. */
export interface PruneForecast {
  readonly bytesTotal: number;
  readonly bytesFreed: number;
  /** What the next prune after that one frees. */
  readonly bytesDeferred: number;
  readonly packsRemoved: number;
  readonly packsRewritten: number;
}

/** Looks what a prune of a container would give back, and changes nothing. */
export async function forecastPrune(
  { repositories }: Pick<OperationNeeds, 'repositories'>,
  caller: Caller,
  container: string,
): Promise<PruneForecast> {
  authorize(caller, 'firn:prune_repository');
  const plan = await (await repositories.open(container, { create: false })).planPrune();
  const { bytesTotal, bytesFreed, bytesDeferred, remove, rewrite } = plan;
  const packs = { packsRemoved: remove.length, packsRewritten: rewrite.length };
  return { bytesTotal, bytesFreed, bytesDeferred, ...packs };
}

/** Begins to prune a container. */
export async function startPrune(
  needs: Starting & Pick<OperationNeeds, 'repositories'>,
  caller: Caller,
  container: string,
): Promise<void> {
  authorize(caller, 'firn:prune_repository');
  await needs.repositories.open(container, { create: false });
  const { projectId, requestId } = caller;
  await needs.catalog.transact((transaction) =>
    addPrune(transaction, needs.jobs, { container, projectId, requestId }),
  );
  needs.jobs.wake();
}

export function pruneRepositoryJob({
  catalog,
  clock,
  repositories,
}: Pick<OperationNeeds, 'catalog' | 'clock' | 'repositories'>): JobHandler {
  return {
    async run({ subjectId: container }, context) {
      try {
        const repository = await repositories.open(container, { create: false });
        await assertNoneLost(catalog, repository, container);
        const onWait = (what: string | null): void => context.waitsFor(what);
        await pruneRepository(repository, { signal: context.signal, onWait });
      } catch (error) {
        // A backup that failed before anything was stored may have left no repository.
        if (!isOperatingError(error, 'not_found')) throw error;
      }
    },

    /** Nobody waits for it: a message says why, the newest one of the container alone. */
    async fail(job, error) {
      await catalog.transact(async (transaction) => {
        const resource = 'VOLUME_BACKUP_CONTAINER';
        const { projectId, subjectId: resourceId } = job;
        await transaction.remove('messages', { projectId, resourceType: resource, resourceId });
        const about = { job, resource, action: 'prune of backups', error } as const;
        await recordFailure(transaction, clock, { ...about, advice: adviceOn(error) });
      });
    },
  };
}

function adviceOn(error: unknown): string {
  const stays = 'What deleted backups took up is not given back yet; the others are not touched.';
  const again = 'run "firn repository prune", or delete another backup';
  if (isRefusal(error)) return `${stays} ${untilAllowed.replace('when', 'When')}; then ${again}.`;
  if (isOperatingError(error, 'no_space')) {
    return (
      `${stays} A prune writes a few kilobytes before it removes anything: make a little room in ` +
      `the store, or raise its quota, and ${again}.`
    );
  }
  return `${stays} When the cause is gone, ${again}.`;
}

/**
 * Rejects with `corrupt` when the store lacks backups that the catalogue has: whoever removed their
 * manifests behind Firn's back has left their blocks, which a prune would take away for good.
 */
async function assertNoneLost(
  catalog: Catalog,
  repository: Repository,
  container: string,
): Promise<void> {
  const where = { projectId: everyProject, container, status: 'available' } as const;
  const wanted = new Map<string, string>();
  for await (const { id, storedId } of everyPick(catalog, 'backups', ['storedId'], where)) {
    wanted.set(storedId ?? id, id);
  }
  for await (const { backupId } of repository.listBackups()) wanted.delete(backupId);
  for (const [backupId, id] of wanted) {
    if ((await repository.findManifest(backupId)) !== undefined) continue;
    // Deleted since, in good order.
    if ((await catalog.find('backups', byId(id)))?.status !== 'available') continue;
    throw new OperatingError(
      'corrupt',
      `nothing is pruned, for the store lacks backups/${backupId}, which the catalogue has: put ` +
        `it back from a copy of the store, or delete the backup ${id}`,
    );
  }
}
