/**
 * Messages: what went wrong after a request was answered, for the project that asked. Ids of events
 * are those of the Messages API: resource, action, detail.
 */
import { newId } from '../base/ids.ts';
import type { Clock } from '../base/clock.ts';
import { everyProject, type CatalogWriter } from '../catalog/catalog.ts';
import type { JobRow } from '../catalog/tables.ts';
import { failureText } from './failure.ts';

export type MessageResource =
  | 'VOLUME'
  | 'VOLUME_SNAPSHOT'
  | 'VOLUME_BACKUP'
  /** The subject is a container of the store, by its name. */
  | 'VOLUME_BACKUP_CONTAINER'
  | 'VOLUME_GROUP'
  | 'VOLUME_GROUP_SNAPSHOT';

const actionNumbers = {
  'create volume': '008',
  'extend volume': '007',
  'create snapshot': '009',
  'delete snapshot': '010',
  'create backup': '013',
  'delete backup': '014',
  'restore backup': '015',
  'verify backup': '121',
  'restore test of backup': '122',
  'prune of backups': '123',
  'upload volume': '006',
  'reimage volume': '026',
  'unmanage volume': '103',
  'delete volume': '101',
  'revert volume': '102',
  'create group': '111',
  'delete group': '112',
  'create group snapshot': '113',
  'delete group snapshot': '114',
} as const;

export type MessageAction = keyof typeof actionNumbers;

/** Whose work has failed, for whom, and which request it goes back to. */
export type FailureCause = Pick<JobRow, 'projectId' | 'requestId' | 'subjectId'>;

const daysKept = 30;

/**
 * Keeps, for the subject of a failed job, what was being done, why it failed, and what to do.
 * Messages whose time is over give way to it.
 */
export async function recordFailure(
  transaction: CatalogWriter,
  clock: Clock,
  failure: {
    job: FailureCause;
    resource: MessageResource;
    action: MessageAction;
    error: unknown;
    advice: string;
  },
): Promise<void> {
  const { job, resource, action, error, advice } = failure;
  const now = clock.now();
  const expired = { projectId: everyProject, expiresAt: { below: now } } as const;
  await transaction.remove('messages', expired);
  await transaction.insert('messages', {
    id: newId(),
    projectId: job.projectId,
    requestId: job.requestId,
    resourceType: resource,
    resourceId: job.subjectId,
    eventId: `VOLUME_${resource}_${actionNumbers[action]}_001`,
    level: 'ERROR',
    userMessage: `${action}: ${failureText(error, job.requestId)} ${advice}`,
    createdAt: now,
    expiresAt: now + daysKept * 24 * 3600 * 1000,
  });
}
