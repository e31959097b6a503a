/**
 * The services of Cinder whose work the one process does. An administrator can switch one off: then
 * the volume service makes no new volumes, and the backup service begins nothing with backups; what
 * has begun goes on.
 */
import { OperatingError } from '../../base/errors.ts';
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Changing, Reading } from '../needs.ts';

export const hostName = 'firn';
export const backendName = 'layers';
/** The only pool, as Cinder writes it: host, back end, pool. */
export const poolName = `${hostName}@${backendName}#${backendName}`;

export const services = {
  'cinder-scheduler': hostName,
  'cinder-volume': `${hostName}@${backendName}`,
  'cinder-backup': hostName,
} as const;

export type ServiceName = keyof typeof services;

export interface ServiceFacts {
  readonly binary: ServiceName;
  readonly host: string;
  readonly disabled: boolean;
  readonly disabledReason: string | null;
}

const names = Object.keys(services) as readonly ServiceName[];

const idOf = (binary: ServiceName): string => `${binary}:${services[binary]}`;

async function factsOf(reader: CatalogReader, binary: ServiceName): Promise<ServiceFacts> {
  const state = await reader.find('serviceStates', { id: idOf(binary) });
  return {
    binary,
    host: services[binary],
    disabled: state?.disabled ?? false,
    disabledReason: state?.disabledReason ?? null,
  };
}

/** Why no new volume is made while the volume service is disabled. */
export const noBackend = 'No valid backend was found. The volume service is disabled.';

/** Rejects while the backup service is disabled: it makes, restores and deletes no backups then. */
export async function demandBackupService(reader: CatalogReader): Promise<void> {
  if (!(await isDisabled(reader, 'cinder-backup'))) return;
  throw new OperatingError('unavailable', 'Service cinder-backup could not be found.');
}

export async function isDisabled(reader: CatalogReader, binary: ServiceName): Promise<boolean> {
  return (await factsOf(reader, binary)).disabled;
}

export async function listServices(
  { catalog }: Reading,
  caller: Caller,
  wanted: { host: string | undefined; binary: string | undefined },
): Promise<ServiceFacts[]> {
  authorize(caller, 'volume_extension:services:index');
  const shown = names.filter(
    (name) =>
      (wanted.binary ?? name) === name &&
      (wanted.host === undefined || [services[name], hostName].includes(wanted.host)),
  );
  const found: ServiceFacts[] = [];
  for (const name of shown) found.push(await factsOf(catalog, name));
  return found;
}

export interface ServiceSwitch {
  readonly host: string;
  /** Null: the volume service of the host. */
  readonly binary: string | null;
  readonly disabled: boolean;
  readonly reason: string | null;
}

/** Switches a service on or off; rejects with `not_found` one that there is not. */
export async function switchService(
  { catalog, clock }: Changing,
  caller: Caller,
  wanted: ServiceSwitch,
): Promise<ServiceFacts> {
  authorize(caller, 'volume_extension:services:update');
  const binary = names.find((name) => name === (wanted.binary ?? 'cinder-volume'));
  if (binary === undefined || services[binary] !== wanted.host) {
    throw new OperatingError(
      'not_found',
      `Service ${wanted.binary ?? 'cinder-volume'} could not be found on host ${wanted.host}.`,
    );
  }
  const { disabled, reason: disabledReason } = wanted;
  return await catalog.transact(async (transaction) => {
    const id = idOf(binary);
    await transaction.remove('serviceStates', { id });
    const updatedAt = clock.now();
    await transaction.insert('serviceStates', { id, disabled, disabledReason, updatedAt });
    return await factsOf(transaction, binary);
  });
}
