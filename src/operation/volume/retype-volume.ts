import { OperatingError } from '../../base/errors.ts';
import { everyProject, type CatalogWriter } from '../../catalog/catalog.ts';
import type { QosSpecsRow, VolumeRow, VolumeTypeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { multiattachOf } from '../attachment/multiattach.ts';
import { everyRow } from '../../catalog/every-row.ts';
import type { Changing, OperationNeeds } from '../needs.ts';
import { applyLimits } from '../qos/apply-limits.ts';
import { demandQuotaOfType } from '../quota.ts';
import { ofVolume } from '../scope.ts';
import { isOneOf } from '../states.ts';
import { findVolumeType } from '../type/find-volume-type.ts';
import { refuseEncrypted } from '../type/type-encryption.ts';
import { changeVolume } from './change-volume.ts';
import { findVolume, invalidInput, invalidVolume } from './find-volume.ts';
import { volumeTypeFor } from './volume-type-for.ts';

const from = ['available', 'in-use'] as const;

/**
 * The volume has another type from now on: its limits, what it counts for in quotas, and whether it
 * can be attached several times. No data moves, so that it is done when this resolves.
 */
export async function retypeVolume(
  needs: Changing & Pick<OperationNeeds, 'exports'>,
  caller: Caller,
  volumeId: string,
  newType: string,
): Promise<VolumeRow> {
  const { catalog, clock } = needs;
  authorize(caller, 'volume:retype');
  const changed = await catalog.transact(async (transaction) => {
    const row = await findVolume(transaction, caller, volumeId);
    if (!isOneOf(row.status, from)) {
      throw invalidVolume(
        `Volume ${row.id} status must be available or in-use to retype, but current status is: ` +
          `${row.status}.`,
      );
    }
    if (row.groupId !== null) throw invalidVolume('it belongs to a group');
    const type = await volumeTypeFor(transaction, caller, newType);
    if (type.id === row.volumeTypeId) {
      throw invalidInput(`New volume_type same as original: ${type.id}.`, 'new_type');
    }
    await refuseEncrypted(transaction, type);
    const multiattach = multiattachOf(caller, type);
    if (row.status === 'in-use') await demandSameUse(transaction, row, type, multiattach);
    await demandRoom(transaction, row, type);
    await retypeSnapshots(transaction, row, type);
    const changes = { volumeTypeId: type.id, multiattach, updatedAt: clock.now() };
    return await changeVolume(transaction, row, from, changes);
  });
  await applyLimits(needs, volumeId);
  return changed;
}

/** What hypervisors were told of an attached volume cannot change under them. */
async function demandSameUse(
  transaction: CatalogWriter,
  row: VolumeRow,
  type: VolumeTypeRow,
  multiattach: boolean,
): Promise<void> {
  if (multiattach !== row.multiattach) {
    throw invalidInput(
      'Changing multiattach of an in-use volume by retype is not possible.',
      'new_type',
    );
  }
  const old = await findVolumeType(transaction, row.volumeTypeId);
  const specs = await Promise.all([old, type].map((each) => specsOf(transaction, each)));
  if (specs[0]?.id !== specs[1]?.id && specs.some(isForClients)) {
    throw invalidInput(
      `Retype cannot change front-end qos specs for in-use volume: ${row.id}.`,
      'new_type',
    );
  }
}

async function specsOf(
  transaction: CatalogWriter,
  { qosSpecsId: id }: VolumeTypeRow,
): Promise<QosSpecsRow | undefined> {
  return id === null ? undefined : await transaction.find('qosSpecs', { id });
}

/** Limits of `both` are enforced here too, so that only those of `front-end` alone must stay. */
function isForClients(specs: QosSpecsRow | undefined): boolean {
  return specs?.consumer === 'front-end';
}

async function demandRoom(
  transaction: CatalogWriter,
  row: VolumeRow,
  type: VolumeTypeRow,
): Promise<void> {
  const snapshots = await transaction.count('snapshots', ofVolume(row.id));
  const theirSize = await transaction.sum('snapshots', 'size', ofVolume(row.id));
  const demand = { volumes: 1, snapshots, gigabytes: row.size + theirSize };
  await demandQuotaOfType(transaction, row.projectId, demand, type.id);
}

async function retypeSnapshots(
  transaction: CatalogWriter,
  row: VolumeRow,
  type: VolumeTypeRow,
): Promise<void> {
  const where = { ...ofVolume(row.id), volumeTypeId: row.volumeTypeId };
  for await (const { id } of everyRow(transaction, 'snapshots', where)) {
    const one = { id, projectId: everyProject } as const;
    await transaction.change('snapshots', one, { volumeTypeId: type.id });
  }
}

/** Volumes lie in one place, so that there is nowhere to migrate one to. */
export async function migrateVolume(
  { catalog }: Pick<Changing, 'catalog'>,
  caller: Caller,
  volumeId: string,
  host: string,
  poolName: string,
): Promise<never> {
  authorize(caller, 'volume_extension:volume_admin_actions:migrate_volume');
  const row = await findVolume(catalog, caller, volumeId);
  if (!isOneOf(row.status, from)) {
    throw invalidVolume('Volume status must be available or in-use to be migrated.');
  }
  if (host === poolName || poolName.startsWith(`${host}#`)) {
    throw new OperatingError(
      'invalid_state',
      'Invalid host: Destination host must be different than the current host.',
    );
  }
  throw new OperatingError('invalid_state', `Invalid host: No available service named ${host}.`);
}
