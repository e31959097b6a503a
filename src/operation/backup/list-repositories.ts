import { everyProject } from '../../catalog/catalog.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { JobRow } from '../../catalog/tables.ts';
import type { OperationNeeds } from '../needs.ts';
import { pruneKind } from './prune-repository.ts';

export interface RepositoryFacts {
  readonly container: string;
  /** How many backups of it the catalogue knows, of all projects. */
  readonly backupCount: number;
  readonly bytesStored: number;
  /** The job of the last prune, while it is remembered. */
  readonly lastPrune: JobRow | undefined;
}

/**
 * The repositories of the store, with what the catalogue knows of each; not the containers of
 * somebody else, which are beside them in an account of Swift.
 */
export async function listRepositories(
  { catalog, repositories }: Pick<OperationNeeds, 'catalog' | 'repositories'>,
  caller: Caller,
): Promise<RepositoryFacts[]> {
  authorize(caller, 'firn:adopt_repository');
  const facts: RepositoryFacts[] = [];
  for (const container of await repositories.containers()) {
    const where = { container, projectId: everyProject } as const;
    const [lastPrune] = await catalog.list('jobs', {
      where: { kind: pruneKind, subjectId: container },
      sort: [{ field: 'createdAt', direction: 'desc' }],
      limit: 1,
    });
    const backupCount = await catalog.count('backups', where);
    const isKnown = backupCount > 0 || lastPrune !== undefined;
    if (!isKnown && !(await repositories.holds(container))) continue;
    const bytesStored = await catalog.sum('backups', 'bytesStored', where);
    facts.push({ container, lastPrune, backupCount, bytesStored });
  }
  return facts;
}
