/**
 * The states of volumes, snapshots, backups, groups and group snapshots, and every change of them
 * that a verb may make.
 *
 * - A status changes only by compare-and-swap on `from`, in the transaction that adds the verb's
 *   job.
 * - `during` is left by that job alone: to `to` when it is done, to `failed` when it cannot go on.
 *   A job is resumed after a crash, so that no subject stays in a status of `during` for ever.
 * - `previous` is the status that the volume had before the verb began. `gone` means that the row
 *   is removed. An administrator's reset and forced deletion start from any status and are not
 *   listed.
 */
import type {
  BackupStatus,
  GroupSnapshotStatus,
  GroupStatus,
  SnapshotStatus,
  VolumeStatus,
} from '../catalog/tables.ts';

interface Change<S> {
  readonly from: readonly S[];
  /** The status while a job works on it; without one the change is made at once. */
  readonly during?: S;
  readonly to: S | 'previous' | 'gone';
  readonly failed?: S | 'previous';
}

type Changes<S> = Readonly<Record<string, Change<S>>>;

export const volumeChanges = {
  create: { from: [], during: 'creating', to: 'available', failed: 'error' },
  delete: {
    from: ['available', 'error', 'error_restoring', 'error_extending', 'error_deleting'],
    during: 'deleting',
    to: 'gone',
    failed: 'error_deleting',
  },
  extend: {
    from: ['available', 'in-use'],
    during: 'extending',
    to: 'previous',
    failed: 'error_extending',
  },
  backUp: {
    from: ['available', 'in-use'],
    during: 'backing-up',
    to: 'previous',
    failed: 'previous',
  },
  restore: {
    from: ['available', 'error_restoring'],
    during: 'restoring-backup',
    to: 'available',
    failed: 'error_restoring',
  },
  revert: { from: ['available'], during: 'reverting', to: 'available', failed: 'error' },
  upload: {
    from: ['available', 'in-use'],
    during: 'uploading',
    to: 'previous',
    failed: 'previous',
  },
  reimage: {
    from: ['available', 'error'],
    during: 'downloading',
    to: 'previous',
    failed: 'error',
  },
  unmanage: { from: ['available'], during: 'unmanaging', to: 'gone', failed: 'previous' },
  offer: { from: ['available'], to: 'awaiting-transfer' },
  withdraw: { from: ['awaiting-transfer'], to: 'available' },
  reserveToAttach: { from: ['available'], to: 'attaching' },
  reserveToAttachAgain: { from: ['available', 'in-use'], to: 'attaching' },
  beginDetaching: { from: ['in-use'], to: 'detaching' },
  rollDetaching: { from: ['detaching'], to: 'in-use' },
} as const satisfies Changes<VolumeStatus>;

/**
 * The statuses that say how far the attachments of a volume are. They follow from its attachments,
 * and change with them; a new attachment may begin in those of `attachable`, for a volume with
 * `multiattach` in those of `attachableAgain`.
 */
export const attachmentStatuses = [
  'available',
  'reserved',
  'attaching',
  'in-use',
  'detaching',
] as const satisfies readonly VolumeStatus[];

export const attachable = ['available'] as const satisfies readonly VolumeStatus[];
export const attachableAgain = [
  'available',
  'reserved',
  'attaching',
  'in-use',
] as const satisfies readonly VolumeStatus[];

export const snapshotChanges = {
  create: { from: [], during: 'creating', to: 'available', failed: 'error' },
  delete: {
    from: ['available', 'error', 'error_deleting'],
    during: 'deleting',
    to: 'gone',
    failed: 'error_deleting',
  },
  backUp: { from: ['available'], during: 'backing-up', to: 'available', failed: 'available' },
  revert: { from: ['available'], during: 'restoring', to: 'available', failed: 'available' },
} as const satisfies Changes<SnapshotStatus>;

export const backupChanges = {
  create: { from: [], during: 'creating', to: 'available', failed: 'error' },
  delete: { from: ['available', 'error'], during: 'deleting', to: 'gone', failed: 'error' },
  restore: { from: ['available'], during: 'restoring', to: 'available', failed: 'available' },
} as const satisfies Changes<BackupStatus>;

/** A group that is made from nothing is available at once; one made from a source has a job. */
export const groupChanges = {
  create: { from: [], to: 'available' },
  createFromSource: { from: [], during: 'creating', to: 'available', failed: 'error' },
  update: { from: ['available'], to: 'available' },
  delete: {
    from: ['available', 'error', 'error_deleting'],
    during: 'deleting',
    to: 'gone',
    failed: 'error_deleting',
  },
} as const satisfies Changes<GroupStatus>;

export const groupSnapshotChanges = {
  create: { from: [], during: 'creating', to: 'available', failed: 'error' },
  delete: {
    from: ['available', 'error', 'error_deleting'],
    during: 'deleting',
    to: 'gone',
    failed: 'error_deleting',
  },
} as const satisfies Changes<GroupSnapshotStatus>;

/** Volumes in these statuses can join a group, be snapshotted with it, and leave it. */
export const memberStatuses = {
  join: ['available', 'in-use'],
  snapshot: ['available', 'in-use', 'reserved', 'attaching', 'detaching', 'backing-up'],
  leave: ['available', 'in-use', 'error', 'error_deleting'],
} as const satisfies Record<string, readonly VolumeStatus[]>;

/** The statuses that an administrator may set by hand. */
export const volumeStatuses: readonly VolumeStatus[] = [
  'creating',
  'available',
  'deleting',
  'error',
  'error_deleting',
  'attaching',
  'detaching',
  'in-use',
  'maintenance',
  'reserved',
];

export const snapshotStatuses: readonly SnapshotStatus[] = [
  'available',
  'creating',
  'deleting',
  'error',
  'error_deleting',
];

export const backupStatuses: readonly BackupStatus[] = ['available', 'error'];

/** Of groups and of group snapshots, in the order in which Cinder names them. */
export const groupStatuses: readonly GroupStatus[] = [
  'error',
  'available',
  'creating',
  'deleting',
  'deleted',
  'updating',
  'error_deleting',
];

/** True when `status` is one of `list`, whose type may be narrower. */
export function isOneOf<S extends string>(status: string, list: readonly S[]): status is S {
  return list.some((one) => one === status);
}
