import { OperatingError } from '../../base/errors.ts';
import type { CatalogWriter } from '../../catalog/catalog.ts';
import type { TransferRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Changing } from '../needs.ts';
import { demandQuota } from '../quota.ts';
import { byId, ofVolume } from '../scope.ts';
import { volumeChanges } from '../states.ts';
import { findVolumeType } from '../type/find-volume-type.ts';
import { mayUseType } from '../type/type-access.ts';
import { changeVolume } from './change-volume.ts';
import { invalidVolume } from './find-volume.ts';
import { noTransfer, opens } from './offer-transfer.ts';

const { from, to } = volumeChanges.withdraw;

/**
 * The volume, and its snapshots unless the offer was without them, belong to the caller's project
 * from now on. Backups stay with who made them.
 */
export async function acceptTransfer(
  { catalog, clock }: Changing,
  caller: Caller,
  transferId: string,
  authKey: string,
): Promise<TransferRow> {
  authorize(caller, 'volume:accept_transfer');
  return await catalog.transact(async (transaction) => {
    const transfer = await transaction.find('transfers', byId(transferId));
    if (transfer === undefined) throw noTransfer(transferId);
    if (!opens(transfer, authKey)) {
      throw new OperatingError(
        'invalid_input',
        `Invalid auth key: Attempt to transfer ${transferId} with invalid auth key.`,
        { field: 'auth_key' },
      );
    }
    const volume = await transaction.find('volumes', byId(transfer.volumeId));
    if (volume?.status !== from[0]) throw invalidVolume('status must be awaiting-transfer');
    await demandRoom(transaction, caller, volume, transfer);
    if (!transfer.noSnapshots) await moveSnapshots(transaction, volume, caller, clock.now());
    const { projectId, userId } = caller;
    const changes = { projectId, userId, status: to, updatedAt: clock.now() };
    await changeVolume(transaction, volume, from, changes);
    await transaction.remove('transfers', byId(transfer.id));
    return transfer;
  });
}

/** Rejects what the caller's project has no quota for, or may not have. */
async function demandRoom(
  transaction: CatalogWriter,
  caller: Caller,
  volume: VolumeRow,
  { noSnapshots }: TransferRow,
): Promise<void> {
  const type = await findVolumeType(transaction, volume.volumeTypeId);
  if (!(await mayUseType(transaction, caller, type))) {
    throw invalidVolume(`its volume type ${type.name} is not for your project`);
  }
  if (volume.projectId === caller.projectId) return;
  const along = ofVolume(volume.id);
  const snapshots = noSnapshots ? 0 : await transaction.count('snapshots', along);
  const theirSize = noSnapshots ? 0 : await transaction.sum('snapshots', 'size', along);
  const demand = { volumes: 1, snapshots, gigabytes: volume.size + theirSize };
  await demandQuota(transaction, caller.projectId, demand, type.id);
}

async function moveSnapshots(
  transaction: CatalogWriter,
  volume: VolumeRow,
  { projectId, userId }: Caller,
  updatedAt: number,
): Promise<void> {
  if (volume.projectId === projectId) return;
  const where = { volumeId: volume.id, projectId: volume.projectId };
  for (;;) {
    const rows = await transaction.list('snapshots', { where, limit: 1000 });
    if (rows.length === 0) return;
    for (const { id } of rows) {
      await transaction.change('snapshots', { ...where, id }, { projectId, userId, updatedAt });
    }
  }
}
