/**
 * Verifies backups without being asked, slowly: the one that was verified longest ago, or never, is
 * next. What is found stands where the outcome of every verification does; damage is a message. A
 * verification that the end of the process broke off goes on from where it was.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isOperatingError, OperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { everyProject } from '../../catalog/catalog.ts';
import type { BackupRow } from '../../catalog/tables.ts';
import { keepDamage } from './keep-damage.ts';
import { proveBackup, type VerifyNeeds } from './prove-backup.ts';

export interface BackgroundVerifyOptions {
  readonly needs: VerifyNeeds;
  readonly bytesPerSecond: number;
  /** A backup is due when it was verified so long ago. */
  readonly everyMs: number;
  /** Told of what fails; the backup is tried again later. */
  readonly report: (error: unknown) => void;
}

const lookEveryMs = 10 * 60 * 1000;

/** Begins; the returned function ends it and resolves when nothing is under way. */
export function startBackgroundVerify(options: BackgroundVerifyOptions): () => Promise<void> {
  const stop = new AbortController();
  const work = run(options, stop.signal);
  return async () => {
    stop.abort();
    await work;
  };
}

async function run(options: BackgroundVerifyOptions, signal: AbortSignal): Promise<void> {
  // Whoever starts the service has other things to do first.
  await waited(60_000, signal);
  const mendedAtMs = new Map<string, number>();
  while (!signal.aborted) {
    try {
      await mendRepositories(options, signal, mendedAtMs);
      if (await verifyNext(options, signal)) continue;
    } catch (error) {
      if (!signal.aborted) options.report(error);
    }
    await waited(lookEveryMs, signal);
  }
}

/**
 * Reads what belongs to no single backup, in every repository that is due, and makes it good.
 * `mendedAtMs` says when that was done last, by containers and the process's clock.
 */
export async function mendRepositories(
  options: BackgroundVerifyOptions,
  signal: AbortSignal,
  mendedAtMs: Map<string, number>,
): Promise<void> {
  const { needs, report, everyMs } = options;
  const pace = paceOf(options, signal);
  for (const container of await needs.repositories.containers()) {
    if (signal.aborted) return;
    if (performance.now() - (mendedAtMs.get(container) ?? -Infinity) < everyMs) continue;
    try {
      const repository = await needs.repositories.open(container, { create: false });
      // What is on its way to a second store is not lost there: it is looked at later.
      if (!needs.repositories.isSettled(container)) continue;
      mendedAtMs.set(container, performance.now());
      const { mended, damaged } = await repository.mendCommon({ signal, pace });
      if (mended.length > 0) report(objectsError(container, mended, 'were damaged, and are whole'));
      if (damaged.length > 0) report(objectsError(container, damaged, 'are damaged'));
      const undescribed = await repository.findUndescribed(signal);
      if (undescribed !== undefined) report(inContainer(container, undescribed));
    } catch (error) {
      // A container without a repository is none of Firn's.
      if (!isOperatingError(error, 'not_found') && !signal.aborted) report(error);
    }
  }
}

function inContainer(container: string, { code, message }: OperatingError): OperatingError {
  return new OperatingError(code, `${container}: ${message}`);
}

function objectsError(container: string, names: readonly string[], what: string): OperatingError {
  const some = names.slice(0, 10).join(', ');
  return new OperatingError('corrupt', `${names.length} objects of ${container} ${what}: ${some}`);
}

/** Verifies the backup that is due, if there is one; false when there is none. */
export async function verifyNext(
  options: BackgroundVerifyOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { needs, everyMs } = options;
  const { clock } = needs;
  const row = await nextBackup(needs, clock.now() - everyMs);
  if (row === undefined) return false;
  const pace = paceOf(options, signal);
  const progress = (): void => undefined;
  const found = await proveBackup(needs, row, { depth: 'blocks', signal, progress, pace });
  if (found === undefined) return true;
  const cause = { projectId: row.projectId, requestId: `req-${newId()}`, subjectId: row.id };
  await keepDamage(needs, cause, row, { depth: 'blocks', damage: found, signal });
  return true;
}

function paceOf(
  { bytesPerSecond }: Pick<BackgroundVerifyOptions, 'bytesPerSecond'>,
  signal: AbortSignal,
): (bytes: number) => Promise<void> {
  let paidMs = 0;
  return async (bytes) => {
    const nowMs = performance.now();
    paidMs = Math.max(paidMs, nowMs) + (bytes / bytesPerSecond) * 1000;
    await waited(paidMs - nowMs, signal);
  };
}

/** The available backup that was never verified, or else longest ago, before a time. */
async function nextBackup(
  { catalog }: BackgroundVerifyOptions['needs'],
  dueBefore: number,
): Promise<BackupRow | undefined> {
  const available = { projectId: everyProject, status: 'available' } as const;
  const [never] = await catalog.list('backups', {
    where: { ...available, verifiedAt: null },
    sort: [{ field: 'createdAt', direction: 'asc' }],
    limit: 1,
  });
  if (never !== undefined) return never;
  const [oldest] = await catalog.list('backups', {
    where: { ...available, verifiedAt: { below: dueBefore } },
    sort: [{ field: 'verifiedAt', direction: 'asc' }],
    limit: 1,
  });
  return oldest;
}

async function waited(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    // Whoever waits looks at the signal next.
    if (!signal.aborted) throw error;
  }
}
