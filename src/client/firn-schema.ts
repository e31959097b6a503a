/** The answers of `/firn/v1` that this client uses. Sizes are bytes, the rate is bytes a second. */
import { Type } from 'typebox';
import type { Static } from 'typebox';

export const BackupProgress = Type.Object({
  bytes_done: Type.Number(),
  bytes_total: Type.Number(),
  bytes_stored: Type.Number(),
  rate: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
});
export type BackupProgress = Static<typeof BackupProgress>;

export const Adopted = Type.Object({
  adopted: Type.Integer(),
  present: Type.Integer(),
  damaged: Type.Array(Type.Unknown()),
});
export type Adopted = Static<typeof Adopted>;

export const Repositories = Type.Object({
  repositories: Type.Array(
    Type.Object({ container: Type.String(), backups: Type.Optional(Type.Integer()) }),
  ),
});
export type Repository = Static<typeof Repositories>['repositories'][number];
