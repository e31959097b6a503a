/**
 * The older way to attach: connect and attach are two requests, in either order, of which neither
 * names an attachment. The row is found by the connector's host, or is one that has no connector
 * yet. As long as only a connection was asked for, the row is `detached`, and the volume's status
 * stays what it was.
 */
import { must } from '../../base/assert.ts';
import type { JsonObject } from '../../base/json.ts';
import type { CatalogWriter } from '../../catalog/catalog.ts';
import type { AttachmentRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { everyRow } from '../../catalog/every-row.ts';
import type { OperationNeeds } from '../needs.ts';
import { byId, ofVolume } from '../scope.ts';
import { attachmentStatuses, isOneOf } from '../states.ts';
import { findVolume, invalidVolume } from '../volume/find-volume.ts';
import { endExports, hostOf, modeFor, newName, serveAttachment } from './connection.ts';
import { newAttachment } from './new-attachment.ts';

type Needs = Pick<OperationNeeds, 'catalog' | 'clock' | 'exports'>;

/** Exports a volume for a host, and returns the attachment that holds the export. */
export async function initializeConnection(
  needs: Needs,
  caller: Caller,
  volumeId: string,
  connector: JsonObject,
): Promise<AttachmentRow> {
  authorize(caller, 'volume_extension:volume_actions:initialize_connection');
  const { catalog, clock } = needs;
  const row = await catalog.transact(async (transaction) => {
    const volume = await findVolume(transaction, caller, volumeId);
    if (!isOneOf(volume.status, attachmentStatuses)) {
      throw invalidVolume(
        `Volume ${volumeId} cannot be connected while its status is ${volume.status}.`,
      );
    }
    const rows = await Array.fromAsync(everyRow(transaction, 'attachments', ofVolume(volumeId)));
    const host = hostOf(connector);
    const waiting = rows.filter((one) => one.connector === null);
    const found =
      rows.find((one) => one.connector !== null && hostOf(one.connector) === host) ??
      waiting.find((one) => host !== null && one.instanceId === host) ??
      waiting[0];
    if (found === undefined) {
      return await addRow(transaction, caller, { volume, connector, createdAt: clock.now() });
    }
    const changes = {
      connector,
      ...(found.exportName === null ? newName(caller) : {}),
      updatedAt: clock.now(),
    };
    const changed = await transaction.change('attachments', byId(found.id), changes);
    return must(changed, 'a row just read');
  });
  await serveAttachment(needs, row);
  return row;
}

async function addRow(
  transaction: CatalogWriter,
  caller: Caller,
  wanted: { volume: VolumeRow; connector: JsonObject; createdAt: number },
): Promise<AttachmentRow> {
  const { volume, connector, createdAt } = wanted;
  const row = newAttachment(volume, {
    instanceId: hostOf(connector),
    mode: modeFor(volume, null),
    status: 'detached',
    connector,
    ...newName(caller),
    createdAt,
  });
  await transaction.insert('attachments', row);
  return row;
}

/** Ends a host's export of a volume; with a connector that names no host, all exports of it. */
export async function terminateConnection(
  { catalog, clock, exports }: Needs,
  caller: Caller,
  volumeId: string,
  connector: JsonObject,
): Promise<void> {
  authorize(caller, 'volume_extension:volume_actions:terminate_connection');
  const host = hostOf(connector);
  const ended = await catalog.transact(async (transaction) => {
    await findVolume(transaction, caller, volumeId);
    const rows = await Array.fromAsync(everyRow(transaction, 'attachments', ofVolume(volumeId)));
    const mine = rows.filter(
      (row) => row.connector !== null && (host === null || hostOf(row.connector) === host),
    );
    for (const row of mine) {
      if (row.status === 'detached') {
        await transaction.remove('attachments', byId(row.id));
        continue;
      }
      const changes = {
        connector: null,
        exportName: null,
        exportRequestId: null,
        updatedAt: clock.now(),
      };
      await transaction.change('attachments', byId(row.id), changes);
    }
    return mine;
  });
  await endExports(exports, ended);
}
