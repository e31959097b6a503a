/** Making and changing volumes (cinder/api/schemas/volumes.py), by microversion. */
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { parseBody } from '../body.ts';
import { Bool, Description, exactly, MetadataFields, Name, orNull, Size, Uuid } from './fields.ts';

const labels = {
  name: Type.Optional(Name),
  display_name: Type.Optional(Name),
  description: Type.Optional(Description),
  display_description: Type.Optional(Description),
};

const ImageId = Type.Optional(orNull(Type.String({ maxLength: 255 })));

const createFields = {
  ...labels,
  size: Type.Optional(orNull(Size)),
  volume_type: Type.Optional(Name),
  availability_zone: Type.Optional(Name),
  metadata: Type.Optional(orNull(MetadataFields)),
  snapshot_id: Type.Optional(orNull(Uuid)),
  source_volid: Type.Optional(orNull(Uuid)),
  consistencygroup_id: Type.Optional(orNull(Uuid)),
  backup_id: Type.Optional(orNull(Uuid)),
  group_id: Type.Optional(orNull(Uuid)),
  imageRef: ImageId,
  image_id: ImageId,
  multiattach: Type.Optional(orNull(Bool)),
};

const Uuids = Type.Union([Uuid, Type.Array(Uuid, { uniqueItems: true })]);

/** What a scheduler with several places would look at; any more of them pass. */
const hints = {
  'OS-SCH-HNT:scheduler_hints': Type.Optional(
    orNull(
      Type.Object({
        local_to_instance: Type.Optional(orNull(Uuid)),
        same_host: Type.Optional(Uuids),
        different_host: Type.Optional(Uuids),
        query: Type.Optional(Type.Union([Type.String(), Type.Object({})])),
      }),
    ),
  ),
};

/** Before 3.53 clients send more fields than are read here, such as `status`. */
const CreateVolume = exactly({ volume: Type.Object(createFields), ...hints });
const CreateVolume53 = exactly({ volume: exactly(createFields), ...hints });

export const createVolumeSchemas = [CreateVolume, CreateVolume53] as const;

/** What a request of this microversion asks for. */
export function parseCreateVolume(
  body: unknown,
  microversion: number,
): Static<typeof CreateVolume53>['volume'] {
  return parseBody(microversion >= 53 ? CreateVolume53 : CreateVolume, body).volume;
}

const updateFields = { ...labels, metadata: Type.Optional(orNull(MetadataFields)) };

/** Since 3.53 at least one of them must be there. */
const UpdateVolume = exactly({ volume: exactly(updateFields) });
const UpdateVolume53 = exactly({
  volume: Type.Object(updateFields, { additionalProperties: false, minProperties: 1 }),
});

export const updateVolumeSchemas = [UpdateVolume, UpdateVolume53] as const;

/** What a request of this microversion asks for. */
export function parseUpdateVolume(
  body: unknown,
  microversion: number,
): Static<typeof UpdateVolume53>['volume'] {
  return parseBody(microversion >= 53 ? UpdateVolume53 : UpdateVolume, body).volume;
}
