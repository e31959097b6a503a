/** Requests about volume types (cinder/api/schemas: volume_types, types_extra_specs and others). */
import { Type } from 'typebox';
import { Bool, Description, exactly, MetadataFields, orNull } from './fields.ts';

const TypeName = Type.String({ minLength: 1, maxLength: 255, pattern: '\\S' });

export const CreateType = exactly({
  volume_type: exactly({
    name: TypeName,
    description: Type.Optional(Description),
    extra_specs: Type.Optional(orNull(MetadataFields)),
    'os-volume-type-access:is_public': Type.Optional(Bool),
  }),
});

export const UpdateType = exactly({
  volume_type: Type.Object(
    {
      name: Type.Optional(orNull(TypeName)),
      description: Type.Optional(Description),
      is_public: Type.Optional(Bool),
    },
    { additionalProperties: false, minProperties: 1 },
  ),
});

export const ExtraSpecs = exactly({ extra_specs: MetadataFields });
export const ExtraSpec = MetadataFields;

const Project = exactly({ project: Type.String({ minLength: 1, maxLength: 255 }) });
export const AddProjectAccess = exactly({ addProjectAccess: Project });
export const RemoveProjectAccess = exactly({ removeProjectAccess: Project });

const encryptionFields = {
  provider: Type.String({ minLength: 1, maxLength: 255 }),
  control_location: Type.Union([Type.Literal('front-end'), Type.Literal('back-end')]),
  cipher: Type.Optional(orNull(Type.String({ maxLength: 255 }))),
  key_size: Type.Optional(orNull(Type.Integer({ minimum: 0, maximum: 0x7fffffff }))),
};

export const CreateEncryption = exactly({ encryption: exactly(encryptionFields) });
export const UpdateEncryption = exactly({
  encryption: Type.Object(
    {
      ...encryptionFields,
      provider: Type.Optional(encryptionFields.provider),
      control_location: Type.Optional(encryptionFields.control_location),
    },
    { additionalProperties: false, minProperties: 1 },
  ),
});

export const SetDefaultType = exactly({
  default_type: exactly({ volume_type: Type.String({ minLength: 1, maxLength: 255 }) }),
});
