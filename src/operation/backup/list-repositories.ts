import { everyProject } from '../../catalog/catalog.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { OperationNeeds } from '../needs.ts';

export interface RepositoryFacts {
  readonly container: string;
  /** How many backups of it the catalogue knows, of all projects. */
  readonly backupCount: number;
  readonly bytesStored: number;
}

/** The containers of the store, with what the catalogue knows of each. */
export async function listRepositories(
  { catalog, repositories }: Pick<OperationNeeds, 'catalog' | 'repositories'>,
  caller: Caller,
): Promise<RepositoryFacts[]> {
  authorize(caller, 'firn:adopt_repository');
  const facts: RepositoryFacts[] = [];
  for (const container of await repositories.containers()) {
    const where = { container, projectId: everyProject } as const;
    facts.push({
      container,
      backupCount: await catalog.count('backups', where),
      bytesStored: await catalog.sum('backups', 'bytesStored', where),
    });
  }
  return facts;
}
