/**
 * Transfers of volumes between projects: the owner offers a volume and gets a key, once; whoever
 * knows it takes the volume over. The key is stored as an HMAC only.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { OperatingError } from '../../base/errors.ts';
import { newId, newSecret } from '../../base/ids.ts';
import type { CatalogReader, CatalogWriter } from '../../catalog/catalog.ts';
import type { SnapshotRow, TransferRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Changing } from '../needs.ts';
import { ofVolume, scopeOf } from '../scope.ts';
import { volumeChanges } from '../states.ts';
import { changeVolume } from './change-volume.ts';
import { findVolume, invalidVolume, refuseWhileCopied } from './find-volume.ts';

const { from, to } = volumeChanges.offer;

/** 96 random bits, in a length that a person can pass on. */
const keyBytes = 12;

export interface NewTransfer {
  readonly volumeId: string;
  readonly name: string | null;
  /** The volume goes alone. */
  readonly noSnapshots: boolean;
}

export async function findTransfer(
  reader: CatalogReader,
  caller: Caller,
  transferId: string,
): Promise<TransferRow> {
  const row = await reader.find('transfers', { id: transferId, projectId: scopeOf(caller) });
  if (row === undefined) throw noTransfer(transferId);
  return row;
}

export function noTransfer(transferId: string): OperatingError {
  return new OperatingError('not_found', `Transfer ${transferId} could not be found.`);
}

/** The transfer, and the key that only this answer tells. */
export async function createTransfer(
  { catalog, clock }: Changing,
  caller: Caller,
  input: NewTransfer,
): Promise<{ row: TransferRow; authKey: string }> {
  authorize(caller, 'volume:create_transfer');
  const authKey = newSecret(keyBytes);
  const salt = newSecret(keyBytes);
  const row = await catalog.transact(async (transaction) => {
    const volume = await findVolume(transaction, caller, input.volumeId);
    if (volume.status !== 'available') throw invalidVolume('status must be available');
    if (volume.groupId !== null) throw invalidVolume('it belongs to a group');
    await refuseWhileCopied(transaction, volume.id);
    if (!input.noSnapshots) await demandStillSnapshots(transaction, volume);
    await changeVolume(transaction, volume, from, { status: to, updatedAt: clock.now() });
    const transfer: TransferRow = {
      id: newId(),
      projectId: volume.projectId,
      volumeId: volume.id,
      name: input.name,
      salt,
      authHash: hashOf(authKey, salt).toString('hex'),
      noSnapshots: input.noSnapshots,
      createdAt: clock.now(),
    };
    await transaction.insert('transfers', transfer);
    return transfer;
  });
  return { row, authKey };
}

/** Whether `authKey` is the one that opens the transfer; takes as long for a wrong one. */
export function opens(transfer: TransferRow, authKey: string): boolean {
  return timingSafeEqual(hashOf(authKey, transfer.salt), Buffer.from(transfer.authHash, 'hex'));
}

function hashOf(authKey: string, salt: string): Buffer {
  return createHmac('sha256', salt).update(authKey).digest();
}

/** Takes the offer back: the volume is `available` again. */
export async function deleteTransfer(
  { catalog, clock }: Changing,
  caller: Caller,
  transferId: string,
): Promise<void> {
  authorize(caller, 'volume:delete_transfer');
  await catalog.transact(async (transaction) => {
    const { id, projectId, volumeId } = await findTransfer(transaction, caller, transferId);
    await transaction.remove('transfers', { id, projectId });
    const changes = { status: volumeChanges.withdraw.to, updatedAt: clock.now() };
    const where = { id: volumeId, projectId, status: volumeChanges.withdraw.from };
    await transaction.change('volumes', where, changes);
  });
}

/** Rejects while a snapshot that would go along is being worked on. */
async function demandStillSnapshots(transaction: CatalogWriter, volume: VolumeRow): Promise<void> {
  const busy = { not: 'available' } as const satisfies { not: SnapshotRow['status'] };
  const found = await transaction.find('snapshots', { ...ofVolume(volume.id), status: busy });
  if (found === undefined) return;
  throw new OperatingError(
    'invalid_state',
    `Invalid snapshot: Snapshot ${found.id} status must be available to be transferred with ` +
      `its volume, but it is ${found.status}.`,
  );
}
