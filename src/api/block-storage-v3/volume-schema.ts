/** Actions on volumes (cinder/api/schemas/volume_actions.py). */
import { Type } from 'typebox';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { Bool, exactly, MetadataFields, Name, orNull, Size, Uuid } from './fields.ts';

export const Extend = exactly({ 'os-extend': exactly({ new_size: Size }) });

export const Revert = exactly({ revert: exactly({ snapshot_id: Uuid }) });

export const SetBootable = exactly({ 'os-set_bootable': exactly({ bootable: Bool }) });

export const UpdateReadonly = exactly({
  'os-update_readonly_flag': exactly({ readonly: Bool }),
});

/** The status is checked against the table of states. */
export const ResetStatus = exactly({
  'os-reset_status': Type.Object({
    status: Type.Optional(orNull(Type.String({ maxLength: 255 }))),
  }),
});

/** What may be out of step of a volume, as an administrator sets it right. */
export const ResetVolumeStatus = exactly({
  'os-reset_status': Type.Object({
    status: Type.Optional(orNull(Type.String({ maxLength: 255 }))),
    attach_status: Type.Optional(
      orNull(Type.Union([Type.Literal('attached'), Type.Literal('detached')])),
    ),
    migration_status: Type.Optional(orNull(Type.String({ maxLength: 255 }))),
  }),
});

export const Mode = Type.Union([Type.Literal('rw'), Type.Literal('ro')]);

export const Attach = exactly({
  'os-attach': Type.Object({
    instance_uuid: Type.Optional(orNull(Uuid)),
    host_name: Type.Optional(orNull(Type.String({ maxLength: 255 }))),
    mountpoint: Type.Optional(orNull(Type.String({ minLength: 1, maxLength: 255 }))),
    mode: Type.Optional(orNull(Mode)),
  }),
});

export const Detach = exactly({
  'os-detach': orNull(Type.Object({ attachment_id: Type.Optional(orNull(Uuid)) })),
});

/** The connector is not looked at: an attachment is ended for all clients that use it. */
export const ForceDetach = exactly({
  'os-force_detach': exactly({
    attachment_id: Type.Optional(orNull(Uuid)),
    connector: Type.Optional(orNull(Type.Object({}))),
  }),
});

export const SetImageMetadata = exactly({
  'os-set_image_metadata': exactly({ metadata: MetadataFields }),
});
export const UnsetImageMetadata = exactly({
  'os-unset_image_metadata': exactly({ key: Type.String({ minLength: 1, maxLength: 255 }) }),
});

export const Retype = exactly({
  'os-retype': exactly({
    new_type: Type.String({ minLength: 1, maxLength: 255 }),
    migration_policy: Type.Optional(
      orNull(Type.Union([Type.Literal('never'), Type.Literal('on-demand')])),
    ),
  }),
});

const migrateFields = {
  host: Type.Optional(Name),
  force_host_copy: Type.Optional(Bool),
  lock_volume: Type.Optional(Bool),
};
export const Migrate0 = exactly({ 'os-migrate_volume': exactly(migrateFields) });
/** Since 3.16 also to a cluster. */
export const Migrate = exactly({
  'os-migrate_volume': exactly({ ...migrateFields, cluster: Type.Optional(Name) }),
});
export const MigrateCompletion = exactly({
  'os-migrate_volume_completion': exactly({
    new_volume: Uuid,
    error: Type.Optional(orNull(Bool)),
  }),
});
export const ExtendCompletion = exactly({
  'os-extend_volume_completion': exactly({ error: Type.Optional(Bool) }),
});

export const Reimage = exactly({
  'os-reimage': exactly({ image_id: Uuid, reimage_reserved: Type.Optional(Bool) }),
});

const Visibility = Type.Union([
  Type.Literal('public'),
  Type.Literal('private'),
  Type.Literal('shared'),
  Type.Literal('community'),
]);
const Format = Type.Optional(orNull(Type.String({ maxLength: 255 })));
const uploadFields = {
  image_name: Type.String({ minLength: 1, maxLength: 255, pattern: '\\S' }),
  force: Type.Optional(Bool),
  disk_format: Format,
  container_format: Format,
};
export const UploadImage0 = exactly({ 'os-volume_upload_image': exactly(uploadFields) });
/** Since 3.1 also who sees the image, and whether it can be deleted. */
export const UploadImage = exactly({
  'os-volume_upload_image': exactly({
    ...uploadFields,
    visibility: Type.Optional(Visibility),
    protected: Type.Optional(Bool),
  }),
});

/** An action without arguments, which clients send as null or as an empty object. */
export function justNamed(name: string) {
  return Type.Object({ [name]: orNull(Type.Object({})) }, { additionalProperties: false });
}

/** A connector holds what the host says about itself; only its name is looked at. */
export const Connector = Type.Object({});

/** A connector that was checked against its schema, as a value to keep. */
export function connectorOf(connector: object | null | undefined): JsonObject {
  return isJsonObject(connector) ? connector : {};
}

export const InitializeConnection = exactly({
  'os-initialize_connection': exactly({ connector: Connector }),
});

export const TerminateConnection = exactly({
  'os-terminate_connection': Type.Object({ connector: Type.Optional(orNull(Connector)) }),
});
