import type { Catalog } from '../catalog/catalog.ts';

/** How many finished jobs of each state are kept. */
export const keptJobCount = 1000;

/** Removes the oldest finished jobs beyond those that are kept. */
export async function pruneJobs(catalog: Catalog): Promise<void> {
  for (const state of ['done', 'failed'] as const) {
    const [newest] = await catalog.list('jobs', {
      where: { state },
      limit: 1,
      offset: keptJobCount,
    });
    if (newest === undefined) continue;
    await catalog.remove('jobs', { state, createdAt: { atMost: newest.createdAt } });
  }
}
