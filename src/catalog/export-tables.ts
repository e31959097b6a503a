/** The rows of what is exported read-only over NBD. */
import type { JsonObject } from '../base/json.ts';

/** A snapshot that can be read over NBD by whoever knows the name. */
export interface SnapshotExportRow {
  id: string;
  projectId: string;
  userId: string;
  snapshotId: string;
  /** The volume that the snapshot is of. */
  volumeId: string;
  /** The host that it is for, in the caller's words. */
  host: string | null;
  /** The secret NBD export name. */
  exportName: string;
  /** The request that handed the name out. */
  exportRequestId: string | null;
  createdAt: number;
}

/** A backup that can be read over NBD by whoever knows the name. */
export interface BackupExportRow {
  id: string;
  projectId: string;
  userId: string;
  backupId: string;
  /** The host that it is for, in the caller's words. */
  host: string | null;
  /** The secret NBD export name. */
  exportName: string;
  /** The request that handed the name out. */
  exportRequestId: string | null;
  /** Where the backup is, so that it is served again without a look into the store. */
  place: BackupPlaceFacts;
  createdAt: number;
}

/** As in the backup's manifest, and the container in which that is. */
export interface BackupPlaceFacts extends JsonObject {
  container: string;
  backupId: string;
  rootId: string;
  depth: number;
  lengthBytes: number;
}
