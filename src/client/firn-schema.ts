/** The answers of `/firn/v1` that this client uses. */
import { Type } from 'typebox';
import type { Static } from 'typebox';

/** How far a volume is that shows a backup at once; null when all of it is there. */
export const Hydration = Type.Union([
  Type.Object({
    bytes_done: Type.Number(),
    bytes_total: Type.Number(),
    seconds_left: Type.Union([Type.Number(), Type.Null()]),
  }),
  Type.Null(),
]);
export type Hydration = Static<typeof Hydration>;
export const FirnVolume = Type.Object({ hydration: Hydration });

/** How a backup was last checked. */
export const Verification = Type.Object({
  depth: Type.String(),
  outcome: Type.String(),
  at: Type.String(),
  damaged_ranges: Type.Array(
    Type.Object({ offset_bytes: Type.Number(), length_bytes: Type.Number() }),
  ),
  reason: Type.Union([Type.String(), Type.Null()]),
});
export type Verification = Static<typeof Verification>;

/** How far a second store has a backup. */
export const BackupCopy = Type.Object({
  url: Type.String(),
  state: Type.String(),
  problem: Type.Union([Type.String(), Type.Null()]),
});
export type BackupCopy = Static<typeof BackupCopy>;

/** What the last restore test has found. */
export const Drill = Type.Object({ outcome: Type.String(), at: Type.String(), log: Type.String() });

export const BackupProgress = Type.Object({
  status: Type.String(),
  bytes_done: Type.Number(),
  bytes_total: Type.Number(),
  /** What the store holds because of this backup. */
  bytes_stored: Type.Number(),
  /** The mean since its start; null when it is not known. */
  bytes_per_second: Type.Union([Type.Number(), Type.Null()]),
  verification: Type.Union([Verification, Type.Null()]),
  drill: Type.Optional(Type.Union([Drill, Type.Null()])),
  copies: Type.Array(BackupCopy),
  /** Null when it was not measured yet. */
  space: Type.Optional(
    Type.Union([
      Type.Object({ exclusive_bytes: Type.Number(), shared_bytes: Type.Number() }),
      Type.Null(),
    ]),
  ),
});
export type BackupProgress = Static<typeof BackupProgress>;

export const Job = Type.Object({
  id: Type.String(),
  state: Type.String(),
  bytes_done: Type.Number(),
  bytes_total: Type.Number(),
  /** For administrators: why it failed, and what it waits for just now. */
  error: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  waits_for: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});
export type Job = Static<typeof Job>;

export const Adopted = Type.Object({
  /** Ids of the backups that the catalogue has from now on. */
  adopted: Type.Array(Type.String()),
  /** How many of them another installation made. */
  shared: Type.Integer(),
  /** How many it had already. */
  known: Type.Integer(),
  damaged: Type.Array(Type.Object({ id: Type.String(), reason: Type.String() })),
});
export type Adopted = Static<typeof Adopted>;

export const PruneForecast = Type.Object({
  bytes_total: Type.Number(),
  bytes_freed: Type.Number(),
  /** What the next prune frees. */
  bytes_deferred: Type.Number(),
  packs_removed: Type.Integer(),
  packs_rewritten: Type.Integer(),
});
export type PruneForecast = Static<typeof PruneForecast>;

export const Repository = Type.Object({
  container: Type.String(),
  backup_count: Type.Integer(),
  bytes_stored: Type.Number(),
  last_prune: Type.Optional(Type.Union([Job, Type.Null()])),
});
export type Repository = Static<typeof Repository>;

export const Usage = Type.Object({
  /** The size. */
  logical_bytes: Type.Number(),
  /** What a reader finds: shared and exclusive together. */
  allocated_bytes: Type.Number(),
  /** What other volumes or snapshots have too. */
  shared_bytes: Type.Number(),
  /** What a deletion gives back. */
  exclusive_bytes: Type.Number(),
});
export type Usage = Static<typeof Usage>;

const TextOrNull = Type.Union([Type.String(), Type.Null()]);

/** An attachment of a volume, and how many clients use it just now. */
export const Connection = Type.Object({
  id: Type.String(),
  status: Type.String(),
  mode: Type.String(),
  instance: TextOrNull,
  host: TextOrNull,
  connections: Type.Integer(),
  connected_since: TextOrNull,
  disconnected_at: TextOrNull,
});
export type Connection = Static<typeof Connection>;

const exportFields = {
  id: Type.String(),
  host: TextOrNull,
  connections: Type.Integer(),
  uri: Type.Optional(Type.String()),
  unix_uri: Type.Optional(Type.String()),
};

export const BackupExport = Type.Object({ ...exportFields, backup_id: Type.String() });
export type BackupExport = Static<typeof BackupExport>;

export const SnapshotExport = Type.Object({ ...exportFields, snapshot_id: Type.String() });
export type SnapshotExport = Static<typeof SnapshotExport>;
