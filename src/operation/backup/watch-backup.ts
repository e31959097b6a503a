import type { Clock } from '../../base/clock.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { byId } from '../scope.ts';
import { isOneOf } from '../states.ts';

/** How often at most the row is read. */
const lookEveryMs = 1000;

/** Follows whether a backup that is being read is there to stay. */
export interface BackupWatch {
  /** Aborted when the backup is being deleted, or its row cannot be read. */
  readonly signal: AbortSignal;
  /** Called as often as one likes while the backup is read. */
  look(): void;
}

export function watchBackup(options: {
  catalog: Catalog;
  clock: Clock;
  backupId: string;
}): BackupWatch {
  const { catalog, clock, backupId } = options;
  const lost = new AbortController();
  let lookedAt = clock.now();
  let isLooking = false;

  async function look(): Promise<void> {
    try {
      const row = await catalog.find('backups', byId(backupId));
      if (row === undefined || !isOneOf(row.status, ['available', 'restoring'])) lost.abort();
    } catch {
      // The work meets the same error when it keeps its outcome.
    } finally {
      isLooking = false;
    }
  }

  return {
    signal: lost.signal,
    look() {
      if (isLooking || clock.now() - lookedAt < lookEveryMs) return;
      isLooking = true;
      lookedAt = clock.now();
      void look();
    },
  };
}
