/** The answers of `/firn/v1` that this client uses. */
import { Type } from 'typebox';
import type { Static } from 'typebox';

export const BackupProgress = Type.Object({
  status: Type.String(),
  bytes_done: Type.Number(),
  bytes_total: Type.Number(),
  /** What the store holds because of this backup. */
  bytes_stored: Type.Number(),
  /** The mean since its start; null when it is not known. */
  bytes_per_second: Type.Union([Type.Number(), Type.Null()]),
});
export type BackupProgress = Static<typeof BackupProgress>;

export const Job = Type.Object({
  id: Type.String(),
  state: Type.String(),
  bytes_done: Type.Number(),
  bytes_total: Type.Number(),
});
export type Job = Static<typeof Job>;

export const Adopted = Type.Object({
  /** Ids of the backups that the catalogue has from now on. */
  adopted: Type.Array(Type.String()),
  /** How many it had already. */
  known: Type.Integer(),
  damaged: Type.Array(Type.Object({ id: Type.String(), reason: Type.String() })),
});
export type Adopted = Static<typeof Adopted>;

export const Repository = Type.Object({
  container: Type.String(),
  backup_count: Type.Integer(),
  bytes_stored: Type.Number(),
});
export type Repository = Static<typeof Repository>;
