/** The fields of Block Storage v3 (microversion 3.71) that this client uses. */
import { Type } from 'typebox';
import type { Static } from 'typebox';

const Text = Type.String();
const TextOrNull = Type.Union([Type.String(), Type.Null()]);
const Metadata = Type.Record(Type.String(), Type.String());

export const Volume = Type.Object({
  id: Text,
  name: TextOrNull,
  description: TextOrNull,
  status: Text,
  /** GiB. */
  size: Type.Integer(),
  volume_type: TextOrNull,
  snapshot_id: TextOrNull,
  source_volid: TextOrNull,
  created_at: Text,
  metadata: Metadata,
  attachments: Type.Array(Type.Object({ attachment_id: Text })),
});
export type Volume = Static<typeof Volume>;

export const Snapshot = Type.Object({
  id: Text,
  name: TextOrNull,
  description: TextOrNull,
  status: Text,
  size: Type.Integer(),
  volume_id: Text,
  created_at: Text,
});
export type Snapshot = Static<typeof Snapshot>;

export const Backup = Type.Object({
  id: Text,
  name: TextOrNull,
  description: TextOrNull,
  status: Text,
  size: Type.Integer(),
  volume_id: Text,
  snapshot_id: TextOrNull,
  container: TextOrNull,
  is_incremental: Type.Boolean(),
  fail_reason: TextOrNull,
  created_at: Text,
  updated_at: Type.Optional(TextOrNull),
});
export type Backup = Static<typeof Backup>;

export const Attachment = Type.Object({
  id: Text,
  volume_id: Text,
  status: Text,
  /** Also `ro` where `rw` was asked for, when the volume is read-only. */
  attach_mode: Type.Optional(Text),
  connection_info: Type.Object({
    driver_volume_type: Type.Optional(Text),
    uri: Type.Optional(Text),
    unix_uri: Type.Optional(Text),
  }),
});
export type Attachment = Static<typeof Attachment>;

export const Restore = Type.Object({ volume_id: Text, volume_name: TextOrNull });
