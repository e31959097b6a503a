import type { Extent } from '../base/extent.ts';
import type { BlockDevice } from './block-device.ts';
import type { Backing, Hydration } from './hydration.ts';

/**
 * All volumes of one data folder, and their snapshots.
 *
 * A snapshot is here any name for a frozen layer: those that users make, and the checkpoints that
 * backups keep so that the next one knows what changed. Every change is durable when its promise
 * resolves, is whole or not there after a crash, and may be repeated: making what is there already
 * with the same values, or removing what is gone, succeeds and changes nothing.
 *
 * Errors are operating errors: `not_found`, `exists` (the id is there with other values),
 * `invalid_state`, `no_space`, `read_only`, `io`, `corrupt`.
 */
export interface VolumeEngine {
  /**
   * Makes a volume: empty, a clone that begins as a snapshot or as a volume is at this moment, or
   * one that shows at once what a backup holds and is filled in the background (`hydration`).
   */
  createVolume(options: {
    volumeId: string;
    lengthBytes: number;
    from?: VolumeSource;
  }): Promise<void>;

  /**
   * Removes a volume with its snapshots. Rejects with `invalid_state` while a device of it is open.
   */
  deleteVolume(volumeId: string): Promise<void>;

  /** A device on the volume's head. All devices of one volume see the same bytes. */
  openVolume(volumeId: string): Promise<BlockDevice>;

  /** Grows a volume; the new bytes are absent. Open devices see the new size. */
  extendVolume(volumeId: string, lengthBytes: number): Promise<void>;

  /**
   * Takes snapshots of one or more volumes at one instant within this call, in the order of the
   * list: what each of them holds is what its volume held at that instant. So the order of writes
   * is kept across volumes too: when one of the snapshots has a write, the others have every write
   * that was acknowledged before that one was sent. All or nothing, also after a crash.
   *
   * `exists` when some are there already and others are not, or not from the same instant.
   */
  createSnapshots(wanted: readonly WantedSnapshot[]): Promise<SnapshotFacts[]>;

  /**
   * Begins the same and resolves as soon as the instant has passed: no later write reaches the
   * snapshots. They are there once `createSnapshots` of the same list has resolved, which waits for
   * this; where making them durable has failed or a crash came first, it takes them anew. Rejects
   * as it does when that is known before the instant.
   */
  beginSnapshots(wanted: readonly WantedSnapshot[]): Promise<void>;

  /**
   * Makes the volume hold what its snapshot holds; everything written since is dropped. The size
   * stays: what the snapshot does not have reads as zeros. Rejects with `invalid_state` while a
   * device of the volume is open; devices of snapshots may be. `not_found` when the volume has no
   * such snapshot. Costs the same whatever either of them holds.
   */
  revertVolume(options: { volumeId: string; snapshotId: string }): Promise<void>;

  /** Gives a second name to the same frozen layer; costs nothing and reads nothing. */
  aliasSnapshot(options: { snapshotId: string; aliasId: string }): Promise<void>;

  /** Removes a name; layers that nobody needs any more are merged or removed in the background. */
  deleteSnapshot(snapshotId: string): Promise<void>;

  /** A read-only device on a snapshot. While it is open its layers stay as they are. */
  openSnapshot(snapshotId: string): Promise<BlockDevice>;

  /** The snapshot, or undefined. */
  findSnapshot(snapshotId: string): Promise<SnapshotFacts | undefined>;

  /**
   * What differs between the frozen layer `sinceLayerId` and the snapshot, from the maps alone: the
   * extents to read (`data`) or to take as zeros (`zero`), in order; what is not listed is equal.
   * Undefined when that layer is not under the snapshot (any more): then everything may differ.
   */
  changedExtents(options: {
    snapshotId: string;
    sinceLayerId: string;
  }): Promise<Extent[] | undefined>;

  /** What the head of a volume, or a snapshot, holds on this host; from the maps alone. */
  usage(of: { volumeId: string } | { snapshotId: string }): Promise<Usage>;

  /**
   * Where a volume, or a snapshot, holds what, in at most `buckets` equal parts; from the maps
   * alone. With `sinceLayerId` also what differs from that frozen layer, if it is under it still.
   */
  spaceMap(options: SpaceMapQuery): Promise<SpaceMap>;

  /** The layers that show backups and are still being filled. */
  readonly hydration: Hydration;

  /** Ends all background work, flushes and closes everything. */
  close(): Promise<void>;
}

/** What a new volume begins as. */
export type VolumeSource = { snapshotId: string } | { volumeId: string } | { backing: Backing };

export interface WantedSnapshot {
  readonly volumeId: string;
  readonly snapshotId: string;
}

/**
 * Space in bytes. Data counts in whole sectors of 4 KiB, freed sectors and those that were never
 * written do not. Several names of one frozen layer count as one. While a guest writes, the figures
 * are of no single instant.
 */
export interface Usage {
  /** The size of the volume, or of the snapshot. */
  readonly logicalBytes: number;
  /** The data that a reader finds in it: `sharedBytes` and `exclusiveBytes` together. */
  readonly allocatedBytes: number;
  /** Of that, what is found through another volume or snapshot too, and is stored once. */
  readonly sharedBytes: number;
  /** Of that, what nobody else finds: its deletion gives that back. */
  readonly exclusiveBytes: number;
}

export interface SpaceMapQuery {
  readonly of: { readonly volumeId: string } | { readonly snapshotId: string };
  readonly buckets: number;
  readonly sinceLayerId?: string;
}

/**
 * Bytes by equal parts of a volume, in order; the last part may be shorter. While a guest writes,
 * the figures are of no single instant.
 */
export interface SpaceMap {
  readonly lengthBytes: number;
  readonly bucketBytes: number;
  /** The data that a reader finds, whole sectors. */
  readonly allocated: readonly number[];
  /** Of that, what lies in a layer through which another volume or snapshot is read too. */
  readonly shared: readonly number[];
  /** What was written, zeroed or freed since; not there when that is not known. */
  readonly changed?: readonly number[];
}

export interface SnapshotFacts {
  readonly snapshotId: string;
  readonly volumeId: string;
  readonly lengthBytes: number;
  /** The frozen layer that the snapshot names. */
  readonly layerId: string;
  /** The layers from `layerId` down to the oldest: what `changedExtents` can start from. */
  readonly chain: readonly string[];
}
