/** What is shown of volumes, snapshots and backups. */
import type { Backup, Snapshot, Volume } from '../client/block-storage-schema.ts';
import { formatBytes } from '../base/bytes.ts';
import type { Connection, Hydration, SnapshotExport, Usage } from '../client/firn-schema.ts';
import type { Columns } from './print.ts';

export const volumeColumns: Columns<Volume> = {
  id: (volume) => volume.id,
  name: (volume) => volume.name,
  status: (volume) => volume.status,
  size: (volume) => `${volume.size} GiB`,
  created: (volume) => volume.created_at,
};

export const volumeDetails: Columns<Volume> = {
  ...volumeColumns,
  description: (volume) => volume.description,
  type: (volume) => volume.volume_type,
  'from snapshot': (volume) => volume.snapshot_id,
  'from volume': (volume) => volume.source_volid,
  attachments: (volume) => volume.attachments.map((each) => each.attachment_id).join(', '),
};

const usageColumns: Columns<{ usage: Usage }> = {
  allocated: ({ usage }) => formatBytes(usage.allocated_bytes),
  shared: ({ usage }) => formatBytes(usage.shared_bytes),
  exclusive: ({ usage }) => formatBytes(usage.exclusive_bytes),
};

export interface WholeVolume extends Volume {
  readonly usage: Usage;
  readonly connections: readonly Connection[];
  readonly hydration: Hydration;
}

export const volumeWhole: Columns<WholeVolume> = {
  ...volumeDetails,
  ...usageColumns,
  connections: ({ connections }) => connections.map(connectionText).join(', '),
  'filled from backup': ({ hydration }) =>
    hydration === null
      ? null
      : `${formatBytes(hydration.bytes_done)} of ${formatBytes(hydration.bytes_total)}`,
};

function connectionText(connection: Connection): string {
  const { id, host, mode, connections } = connection;
  const left = connection.disconnected_at;
  const nobody = left === null ? 'no client' : `no client since ${left}`;
  const since = connection.connected_since ?? 'now';
  const clients = connections === 0 ? nobody : `${connections} connected since ${since}`;
  return `${id} (${host ?? 'no host'}, ${mode}, ${clients})`;
}

export const snapshotColumns: Columns<Snapshot> = {
  id: (snapshot) => snapshot.id,
  name: (snapshot) => snapshot.name,
  status: (snapshot) => snapshot.status,
  size: (snapshot) => `${snapshot.size} GiB`,
  volume: (snapshot) => snapshot.volume_id,
  created: (snapshot) => snapshot.created_at,
};

export interface WholeSnapshot extends Snapshot {
  readonly usage: Usage;
  readonly exports: readonly SnapshotExport[];
}

export const snapshotDetails: Columns<WholeSnapshot> = {
  ...snapshotColumns,
  description: (snapshot) => snapshot.description,
  ...usageColumns,
  exports: ({ exports }) => exports.map(({ id }) => id).join(', '),
};

export const backupColumns: Columns<Backup> = {
  id: (backup) => backup.id,
  name: (backup) => backup.name,
  status: (backup) => backup.status,
  size: (backup) => `${backup.size} GiB`,
  volume: (backup) => backup.volume_id,
  created: (backup) => backup.created_at,
};

export const backupDetails: Columns<Backup> = {
  ...backupColumns,
  description: (backup) => backup.description,
  snapshot: (backup) => backup.snapshot_id,
  container: (backup) => backup.container,
  incremental: (backup) => backup.is_incremental,
  'fail reason': (backup) => backup.fail_reason,
};
