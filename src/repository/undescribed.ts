import { formatBytes } from '../base/bytes.ts';
import { OperatingError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import type { IndexKeeper } from './index-keeper.ts';
import type { Leases } from './leases.ts';
import { backupIdOf } from './manifest.ts';

/**
 * What is wrong where packs hold data and there is no manifest at all; undefined where there is
 * one, damaged or not, where the packs are on their way out, or somebody is writing just now.
 */
export async function findUndescribed(
  store: Store,
  { keeper, leases }: { keeper: IndexKeeper; leases: Leases },
  signal?: AbortSignal,
): Promise<OperatingError | undefined> {
  await keeper.noticePrunes(signal);
  const packs = [...keeper.index.packs()].filter(({ condemned }) => !condemned);
  // Writers first: a manifest is there before the one who wrote it is gone.
  if (packs.length === 0 || (await leases.isWriting())) return undefined;
  for await (const { name } of store.list('backups/', { isSizeNeeded: () => false })) {
    if (backupIdOf(name) !== undefined) return undefined;
  }
  const bytes = packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return new OperatingError(
    'corrupt',
    `the descriptions of all backups (backups/…) are lost, or every backup was deleted and its ` +
      `space not given back yet: ${formatBytes(bytes)} in packs/ belong to none. If they are ` +
      'lost, put backups/ back from a copy of the store, and prune nothing before',
  );
}
