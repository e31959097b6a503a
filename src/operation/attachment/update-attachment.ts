import { must } from '../../base/assert.ts';
import type { JsonObject } from '../../base/json.ts';
import type { CatalogReader, CatalogWriter } from '../../catalog/catalog.ts';
import type { AttachmentRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { everyRow } from '../../catalog/every-row.ts';
import type { Changing, OperationNeeds } from '../needs.ts';
import { byId, ofVolume } from '../scope.ts';
import { invalidVolume } from '../volume/find-volume.ts';
import { hostOf, modeFor, newName, serveAttachment } from './connection.ts';
import { findAttachment } from './find-attachment.ts';
import { canChangeAttachments, settleVolume } from './settle-volume.ts';

/** Gives a reserved attachment its connector, and with it the export. */
export async function updateAttachment(
  needs: Pick<OperationNeeds, 'catalog' | 'clock' | 'exports'>,
  caller: Caller,
  attachmentId: string,
  input: { connector: JsonObject; completeAtOnce: boolean },
): Promise<AttachmentRow> {
  authorize(caller, 'volume:attachment_update');
  const { catalog, clock } = needs;
  const { connector } = input;
  const row = await catalog.transact(async (transaction) => {
    const found = await findAttachment(transaction, caller, attachmentId);
    const volume = must(await transaction.find('volumes', byId(found.volumeId)), 'its volume');
    if (volume.status.includes('error')) {
      throw invalidVolume(
        'Volume attachments can not be updated if the volume is in an error state. ' +
          `The Volume ${volume.id} currently has a status of: ${volume.status}`,
      );
    }
    if (!volume.multiattach) await refuseSameHost(transaction, found, connector);
    const changes = {
      connector,
      ...factsIn(connector, volume, found),
      ...(found.exportName === null ? newName(caller) : {}),
      updatedAt: clock.now(),
    };
    const connected = must(
      await transaction.change('attachments', byId(found.id), changes),
      'a row just read',
    );
    if (connected.status === 'attached') return connected;
    const status = input.completeAtOnce ? 'attached' : 'attaching';
    return await advance(transaction, connected, status, clock.now());
  });
  await serveAttachment(needs, row);
  return row;
}

/** What a connector says beside the host. An export that was handed out keeps its mode. */
function factsIn(
  connector: JsonObject,
  volume: VolumeRow,
  { exportName }: AttachmentRow,
): Partial<AttachmentRow> {
  const { mode, mountpoint } = connector;
  const isMode = mode === 'ro' || mode === 'rw';
  return {
    ...(isMode && exportName === null ? { mode: modeFor(volume, mode) } : {}),
    ...(typeof mountpoint === 'string' ? { mountpoint } : {}),
  };
}

async function refuseSameHost(
  reader: CatalogReader,
  { id, volumeId }: AttachmentRow,
  connector: JsonObject,
): Promise<void> {
  const host = hostOf(connector);
  if (host === null) return;
  for await (const other of everyRow(reader, 'attachments', ofVolume(volumeId))) {
    if (other.id === id || other.status === 'detached' || hostOf(other.connector) !== host)
      continue;
    throw invalidVolume(`duplicate connectors detected on volume ${volumeId}`);
  }
}

/** The client has connected: the volume is in use from now on. */
export async function completeAttachment(
  { catalog, clock }: Changing,
  caller: Caller,
  attachmentId: string,
): Promise<void> {
  authorize(caller, 'volume:attachment_complete');
  await catalog.transact(async (transaction) => {
    const row = await findAttachment(transaction, caller, attachmentId);
    if (row.status !== 'attached') await advance(transaction, row, 'attached', clock.now());
  });
}

/** Moves an attachment and its volume on together. */
async function advance(
  transaction: CatalogWriter,
  row: AttachmentRow,
  status: 'attaching' | 'attached',
  nowMs: number,
): Promise<AttachmentRow> {
  const volume = must(await transaction.find('volumes', byId(row.volumeId)), 'its volume');
  if (!canChangeAttachments(volume)) {
    throw invalidVolume(
      `Volume ${volume.id} cannot be attached while its status is ${volume.status}.`,
    );
  }
  const changed = await transaction.change('attachments', byId(row.id), {
    status,
    attachedAt: status === 'attached' ? nowMs : null,
    updatedAt: nowMs,
  });
  await settleVolume(transaction, volume.id, nowMs);
  return must(changed, 'a row just read');
}
