/** What OpenStack has no word for, as answers show it. */
import { isoMicros } from '../../base/clock.ts';
import type { BackupExportRow, SnapshotExportRow } from '../../catalog/export-tables.ts';
import type { BackupRow, JobRow, VolumeRow } from '../../catalog/tables.ts';
import type { HydrationProgress } from '../../operation/needs.ts';
import type { AttachmentClients } from '../../operation/attachment/connections.ts';
import { exportAddress, hostOf } from '../../operation/attachment/connection.ts';
import type { BackupSpace } from '../../operation/backup/repository-types.ts';
import type { PruneForecast } from '../../operation/backup/prune-repository.ts';
import type { RepositoryFacts } from '../../operation/backup/list-repositories.ts';
import type { NbdAddress } from '../../operation/needs.ts';
import type { Usage } from '../../operation/usage.ts';
import { waitsFor } from '../../job/job.ts';
import { timeView } from '../block-storage-v3/view.ts';
import { percentOf } from '../block-storage-v3/backup-view.ts';

export function backupView(backup: BackupRow): object {
  return {
    id: backup.id,
    name: backup.name,
    status: backup.status,
    fail_reason: backup.failReason,
    volume_id: backup.volumeId,
    snapshot_id: backup.snapshotId,
    container: backup.container,
    size: backup.size,
    created_at: isoMicros(backup.createdAt),
    data_timestamp: isoMicros(backup.dataTimestamp),
    parent_id: backup.parentId,
    layer_id: backup.layerId,
    object_count: backup.objectCount,
    bytes_total: backup.bytesTotal,
    bytes_done: backup.bytesDone,
    bytes_stored: backup.bytesStored,
    percent: percentOf(backup),
    verification: verificationView(backup.verification),
    drill: drillView(backup.drill),
  };
}

/** Null when it was not measured yet. */
export function backupSpaceView(space: BackupSpace | undefined): object | null {
  if (space === undefined) return null;
  const { exclusiveBytes, sharedBytes, patchBytes } = space;
  return { exclusive_bytes: exclusiveBytes, shared_bytes: sharedBytes, patch_bytes: patchBytes };
}

export function pruneView(forecast: PruneForecast): object {
  return {
    bytes_total: forecast.bytesTotal,
    bytes_freed: forecast.bytesFreed,
    bytes_deferred: forecast.bytesDeferred,
    packs_removed: forecast.packsRemoved,
    packs_rewritten: forecast.packsRewritten,
  };
}

function verificationView(verification: BackupRow['verification']): object | null {
  if (verification === null) return null;
  const { depth, outcome, at, damage, reason } = verification;
  const ranges = damage.map(({ offsetBytes, lengthBytes }) => ({
    offset_bytes: offsetBytes,
    length_bytes: lengthBytes,
  }));
  return { depth, outcome, at: isoMicros(at), damaged_ranges: ranges, reason };
}

function drillView(drill: BackupRow['drill']): object | null {
  return drill === null ? null : { ...drill, at: isoMicros(drill.at) };
}

/** The mean rate of the job that makes, or made, a backup; null without time or without a job. */
export function rateOf(backup: BackupRow, job: JobRow | undefined, nowMs: number): number | null {
  if (job === undefined) return null;
  const ended = job.state === 'done' || job.state === 'failed';
  const passedMs = (ended ? job.updatedAt : nowMs) - job.createdAt;
  return passedMs <= 0 ? null : Math.round((backup.bytesDone * 1000) / passedMs);
}

/** `error` and `waits_for` may name files and hosts: they are for administrators. */
export function jobView(job: JobRow, options: { isAdmin: boolean }): object {
  return {
    id: job.id,
    kind: job.kind,
    subject_id: job.subjectId,
    request_id: job.requestId,
    state: job.state,
    attempts: job.attempts,
    bytes_done: job.bytesDone,
    bytes_total: job.bytesTotal,
    ...paceOf(job),
    created_at: isoMicros(job.createdAt),
    updated_at: isoMicros(job.updatedAt),
    ...(options.isAdmin ? { error: job.error, waits_for: waitsFor(job) } : {}),
  };
}

/** The mean rate since it was asked for, and what is left of it; null when that is not known. */
function paceOf(job: JobRow): { bytes_per_second: number | null; seconds_left: number | null } {
  const passedMs = job.updatedAt - job.createdAt;
  const rate = passedMs <= 0 ? 0 : (job.bytesDone * 1000) / passedMs;
  const isOpen = job.state === 'queued' || job.state === 'running';
  return {
    bytes_per_second: rate === 0 ? null : Math.round(rate),
    seconds_left: isOpen ? secondsLeft(job.bytesTotal - job.bytesDone, rate) : 0,
  };
}

/** `hydration` is null when all of the volume is there. */
export function volumeView(volume: VolumeRow, progress: HydrationProgress | undefined): object {
  const { id, name, status, size } = volume;
  return { id, name, status, size, hydration: hydrationView(progress) };
}

function hydrationView(progress: HydrationProgress | undefined): object | null {
  if (progress === undefined) return null;
  const { bytesDone, bytesTotal, bytesPerSecond } = progress;
  return {
    bytes_done: bytesDone,
    bytes_total: bytesTotal,
    bytes_per_second: bytesPerSecond === undefined ? null : Math.round(bytesPerSecond),
    seconds_left: secondsLeft(bytesTotal - bytesDone, bytesPerSecond ?? 0),
  };
}

/** Null when it is not known. */
function secondsLeft(bytes: number, bytesPerSecond: number): number | null {
  return bytesPerSecond > 0 ? Math.ceil(bytes / bytesPerSecond) : null;
}

/** For administrators. */
export function repositoryView(facts: RepositoryFacts): object {
  const { lastPrune } = facts;
  return {
    container: facts.container,
    backup_count: facts.backupCount,
    bytes_stored: facts.bytesStored,
    last_prune: lastPrune === undefined ? null : jobView(lastPrune, { isAdmin: true }),
  };
}

export function usageView(usage: Usage): object {
  return {
    logical_bytes: usage.logicalBytes,
    allocated_bytes: usage.allocatedBytes,
    shared_bytes: usage.sharedBytes,
    exclusive_bytes: usage.exclusiveBytes,
  };
}

/** An attachment with how many clients use it just now, since when, and when one left last. */
export function connectionView({ row, clients }: AttachmentClients): object {
  return {
    id: row.id,
    status: row.status,
    mode: row.mode,
    instance: row.instanceId,
    host: hostOf(row.connector),
    device: row.mountpoint,
    created_at: timeView(row.createdAt),
    attached_at: timeView(row.attachedAt),
    connections: clients.count,
    connected_since: timeView(clients.connectedSinceMs ?? null),
    disconnected_at: timeView(clients.disconnectedAtMs ?? null),
  };
}

/** Without `nbd` the address is left out: the export's name lets anybody read who knows it. */
export function exportView(
  each: { row: SnapshotExportRow | BackupExportRow; connections: number },
  nbd: NbdAddress | undefined,
): object {
  const { row, connections } = each;
  const address = nbd === undefined ? undefined : exportAddress(row.exportName, nbd);
  return {
    id: row.id,
    ...('backupId' in row ? { backup_id: row.backupId } : { snapshot_id: row.snapshotId }),
    host: row.host,
    created_at: timeView(row.createdAt),
    connections,
    ...(address === undefined ? {} : { uri: address['uri'], unix_uri: address['unix_uri'] }),
  };
}
