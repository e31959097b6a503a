import type { LayerName } from './references.ts';

/**
 * `damage`: a reader gets an error or wrong bytes, or may later. `leftover`: takes space, and is
 * removed when the folder is next opened. `note`: nothing is wrong, but somebody may want to know.
 */
export type Severity = 'damage' | 'leftover' | 'note';

/** What kinds of faults there are; docs/guide/layers.md lists them. */
export type FindingCode =
  | 'newer-version'
  | 'damaged-volume-record'
  | 'damaged-layer-record'
  | 'damaged-pending-records'
  | 'pending-records'
  | 'filled-from-backup'
  | 'missing-layer'
  | 'missing-parent'
  | 'cycle'
  | 'parent-larger'
  | 'volume-larger'
  | 'snapshot-larger'
  | 'shared-head'
  | 'head-has-children'
  | 'head-is-snapshot'
  | 'duplicate-snapshot'
  | 'dead-layer'
  | 'newer-head'
  | 'unflushed-marks'
  | 'temporary'
  | 'unnamed-file'
  | 'unknown-file'
  | 'missing-data'
  | 'missing-map'
  | 'damaged-map-header'
  | 'damaged-map-directory'
  | 'damaged-map-page'
  | 'data-cut-off'
  | 'marks-beyond-end'
  | 'unreadable-data';

/** A run of bytes of a volume or snapshot. */
export interface ByteRange {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** What a fault means for one volume or snapshot. */
export interface Effect {
  readonly volumeId: string;
  /** Null for the volume itself. */
  readonly snapshotId: string | null;
  /** What cannot be read rightly; empty when nothing can be said more closely: then all of it. */
  readonly ranges: readonly ByteRange[];
}

/** One fault, or one thing worth knowing. */
export interface Finding {
  readonly severity: Severity;
  readonly code: FindingCode;
  /** Relative to the folder. */
  readonly path: string;
  /** A sentence. */
  readonly what: string;
  readonly affects: readonly Effect[];
  /** What `firn layers repair` would do, as a sentence; null when it can do nothing. */
  readonly repair: string | null;
  readonly layerId?: string;
  readonly volumeId?: string;
}

/** The effect on a reader of whom nothing can be said more closely. */
export function wholly({ volumeId, snapshotId }: LayerName): Effect {
  return { volumeId, snapshotId, ranges: [] };
}

/** How a person calls the reader. */
export function readerName(reader: { volumeId: string; snapshotId: string | null }): string {
  const { volumeId, snapshotId } = reader;
  return snapshotId === null ? `volume ${volumeId}` : `snapshot ${snapshotId} of ${volumeId}`;
}
