import type { BackupProgress } from '../../backup/back-up.ts';
import type { Clock } from '../../base/clock.ts';
import { everyProject, type Catalog } from '../../catalog/catalog.ts';

/** How often at most the row is written. */
const writeEveryMs = 500;

export interface ProgressKeeper {
  report(progress: BackupProgress): void;
  /** Resolves when no write is under way; rejects when one has failed. */
  settle(): Promise<void>;
}

/**
 * Keeps a running backup's figures in its row. `onLost` is called when the row is not `creating`
 * any more: then nobody wants the backup.
 */
export function keepProgress(options: {
  catalog: Catalog;
  clock: Clock;
  backupId: string;
  onLost: () => void;
}): ProgressKeeper {
  const { catalog, clock, backupId, onLost } = options;
  const where = { id: backupId, projectId: everyProject, status: 'creating' } as const;
  let writing: Promise<void> | undefined;
  let writtenAt = Number.NEGATIVE_INFINITY;
  let failure: { error: unknown } | undefined;

  async function write({ bytesDone, bytesTotal, bytesStored }: BackupProgress): Promise<void> {
    try {
      const figures = { bytesDone, bytesTotal, bytesStored };
      const row = await catalog.change('backups', where, figures);
      if (row === undefined) onLost();
    } catch (error) {
      failure = { error };
      onLost();
    } finally {
      writing = undefined;
    }
  }

  return {
    report(progress) {
      if (writing !== undefined || clock.now() - writtenAt < writeEveryMs) return;
      writtenAt = clock.now();
      writing = write(progress);
    },
    async settle() {
      await writing;
      if (failure !== undefined) throw failure.error;
    },
  };
}
