import type { Extent } from '../base/extent.ts';
import type { BlockDevice } from './block-device.ts';

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
   * Makes a volume: empty, or a clone that begins as a snapshot or as a volume is at this moment.
   */
  createVolume(options: {
    volumeId: string;
    lengthBytes: number;
    from?: { snapshotId: string } | { volumeId: string };
  }): Promise<void>;

  /**
   * Removes a volume with its snapshots. Rejects with `invalid_state` while a device of it is open.
   */
  deleteVolume(volumeId: string): Promise<void>;

  /** A device on the volume's head. All devices of one volume see the same bytes. */
  openVolume(volumeId: string): Promise<BlockDevice>;

  /** Grows a volume; the new bytes are absent. Open devices see the new size. */
  extendVolume(volumeId: string, lengthBytes: number): Promise<void>;

  /** Takes a snapshot: its content is what the volume holds at one instant within this call. */
  createSnapshot(options: { volumeId: string; snapshotId: string }): Promise<SnapshotFacts>;

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

  /** Ends all background work, flushes and closes everything. */
  close(): Promise<void>;
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
