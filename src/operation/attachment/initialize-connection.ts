/**
 * The older way to attach: connect and attach are two requests, in either order, of which neither
 * names an attachment. The row is found by the connector's host, or is one that has no connector
 * yet.
 */
import { must } from '../../base/assert.ts';
import { newSecret } from '../../base/ids.ts';
import type { JsonObject } from '../../base/json.ts';
import type { CatalogWriter } from '../../catalog/catalog.ts';
import type { AttachmentRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { OperationNeeds } from '../needs.ts';
import { byId, ofVolume } from '../scope.ts';
import { isOneOf } from '../states.ts';
import { findVolume, invalidVolume } from '../volume/find-volume.ts';
import { addExport, modeFor } from './connection.ts';
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
    if (!isOneOf(volume.status, ['available', 'reserved', 'attaching', 'in-use', 'detaching'])) {
      throw invalidVolume(
        `Volume ${volumeId} cannot be connected while its status is ${volume.status}.`,
      );
    }
    const rows = await transaction.list('attachments', { where: ofVolume(volumeId), limit: 100 });
    const host = hostOf(connector);
    const found =
      rows.find((one) => one.connector !== null && hostOf(one.connector) === host) ??
      rows.find((one) => one.connector === null);
    if (found === undefined) {
      return await addRow(transaction, volume, connector, clock.now());
    }
    const changes = {
      connector,
      exportName: found.exportName ?? newSecret(),
      updatedAt: clock.now(),
    };
    const changed = await transaction.change('attachments', byId(found.id), changes);
    return must(changed, 'a row just read');
  });
  await addExport(needs.exports, row);
  return row;
}

async function addRow(
  transaction: CatalogWriter,
  volume: VolumeRow,
  connector: JsonObject,
  createdAt: number,
): Promise<AttachmentRow> {
  const row = newAttachment(volume, {
    instanceId: hostOf(connector),
    mode: modeFor(volume, null),
    status: 'attaching',
    connector,
    exportName: newSecret(),
    createdAt,
  });
  await transaction.insert('attachments', row);
  return row;
}

function hostOf(connector: JsonObject): string | null {
  const { host } = connector;
  return typeof host === 'string' ? host : null;
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
    const rows = await transaction.list('attachments', { where: ofVolume(volumeId), limit: 100 });
    const mine = rows.filter(
      (row) => row.connector !== null && (host === null || hostOf(row.connector) === host),
    );
    for (const row of mine) {
      if (row.status === 'attaching') {
        await transaction.remove('attachments', byId(row.id));
        continue;
      }
      const changes = { connector: null, exportName: null, updatedAt: clock.now() };
      await transaction.change('attachments', byId(row.id), changes);
    }
    return mine;
  });
  for (const { exportName } of ended) if (exportName !== null) await exports.remove(exportName);
}
