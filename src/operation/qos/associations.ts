/** Which volume types have which QoS specs. */
import { OperatingError } from '../../base/errors.ts';
import type { VolumeTypeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Reading } from '../needs.ts';
import { findVolumeType } from '../type/find-volume-type.ts';
import { applyAllLimits } from './apply-limits.ts';
import { findQosSpecs, type Limiting } from './qos-specs.ts';

/** The types that have these specs, at most 1,000. */
export async function listAssociations(
  { catalog }: Reading,
  caller: Caller,
  qosSpecsId: string,
): Promise<VolumeTypeRow[]> {
  authorize(caller, 'volume_extension:qos_specs_manage:get_all');
  const { id } = await findQosSpecs(catalog, qosSpecsId);
  return await catalog.list('volumeTypes', { where: { qosSpecsId: id }, limit: 1000 });
}

/** From now on the type has these specs, and no others. */
export async function associateType(
  needs: Limiting,
  caller: Caller,
  qosSpecsId: string,
  typeId: string,
): Promise<void> {
  const { catalog, clock } = needs;
  authorize(caller, 'volume_extension:qos_specs_manage:update');
  await catalog.transact(async (transaction) => {
    const specs = await findQosSpecs(transaction, qosSpecsId);
    const type = await findVolumeType(transaction, typeId);
    if (type.qosSpecsId === specs.id) return;
    if (type.qosSpecsId !== null) {
      throw new OperatingError(
        'invalid_state',
        `Invalid volume type: Type ${type.id} is already associated with another qos specs: ` +
          type.qosSpecsId,
      );
    }
    const changes = { qosSpecsId: specs.id, updatedAt: clock.now() };
    await transaction.change('volumeTypes', { id: type.id }, changes);
  });
  await applyAllLimits(needs);
}

/** The type, or without one all types, have these specs no more. */
export async function disassociateTypes(
  needs: Limiting,
  caller: Caller,
  qosSpecsId: string,
  typeId: string | null,
): Promise<void> {
  const { catalog, clock } = needs;
  authorize(caller, 'volume_extension:qos_specs_manage:update');
  await catalog.transact(async (transaction) => {
    const { id } = await findQosSpecs(transaction, qosSpecsId);
    const named = typeId === null ? {} : { id: (await findVolumeType(transaction, typeId)).id };
    const where = { ...named, qosSpecsId: id };
    const types = await transaction.list('volumeTypes', { where, limit: 1000 });
    for (const type of types) {
      const changes = { qosSpecsId: null, updatedAt: clock.now() };
      await transaction.change('volumeTypes', { id: type.id }, changes);
    }
  });
  await applyAllLimits(needs);
}
