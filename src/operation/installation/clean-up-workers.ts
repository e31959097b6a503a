import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Starting } from '../needs.ts';
import { invalidInput } from '../volume/find-volume.ts';
import { listServices, type ServiceFacts } from './binaries.ts';

export interface CleanUp {
  readonly host: string | undefined;
  readonly binary: string | undefined;
  readonly disabled: boolean | undefined;
  /** Also services that are up, as all of Firn's are. */
  readonly isUp: boolean;
  /** The volume or snapshot whose work is to be taken up. */
  readonly resourceId: string | undefined;
}

/**
 * Takes up work that was left behind, and resolves with the services that are told to. A process
 * that starts takes up all of its own by itself, and in a catalogue that several share each looks
 * for work whose lease has ended: this makes it look at once.
 */
export async function cleanUpWorkers(
  { catalog, jobs }: Pick<Starting, 'catalog' | 'jobs'>,
  caller: Caller,
  wanted: CleanUp,
): Promise<ServiceFacts[]> {
  authorize(caller, 'workers:cleanup');
  const { host, binary, disabled, isUp, resourceId } = wanted;
  if (resourceId !== undefined) {
    const state = ['queued', 'running'] as const;
    const job = await catalog.find('jobs', { subjectId: resourceId, state: [...state] });
    if (job === undefined) {
      throw invalidInput(
        `There is no resource with UUID ${resourceId} pending cleanup.`,
        'resource_id',
      );
    }
  }
  jobs.wake();
  if (!isUp) return [];
  const services = await listServices({ catalog }, caller, { host, binary });
  return services.filter(
    (service) =>
      service.binary !== 'cinder-backup' && (disabled ?? service.disabled) === service.disabled,
  );
}
