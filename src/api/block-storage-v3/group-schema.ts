/**
 * Requests about groups, group types and group snapshots (cinder/api/schemas/groups.py,
 * group_types.py, group_specs.py and group_snapshots.py).
 */
import { Type } from 'typebox';
import { OperatingError } from '../../base/errors.ts';
import type { GroupStatus } from '../../catalog/tables.ts';
import type { GroupSource } from '../../operation/group/create-group-from-source.ts';
import { groupStatuses } from '../../operation/states.ts';
import { parseBody } from '../body.ts';
import { pythonText } from '../python-repr.ts';
import { Bool, Description, exactly, Name, orNull, Uuid } from './fields.ts';

const labels = { name: Type.Optional(Name), description: Type.Optional(Description) };
const atLeastOne = { additionalProperties: false, minProperties: 1 };

const TypeName = Type.String({ minLength: 1, maxLength: 255, pattern: '\\S' });

/** Keys without blanks. */
const GroupSpecs = Type.Record(
  Type.String({ pattern: '^[a-zA-Z0-9-_:.]{1,255}$' }),
  Type.String({ maxLength: 255 }),
  { additionalProperties: false, maxProperties: 128 },
);

export const CreateGroupType = exactly({
  group_type: exactly({
    name: TypeName,
    description: Type.Optional(Description),
    is_public: Type.Optional(Bool),
    group_specs: Type.Optional(orNull(GroupSpecs)),
  }),
});

/** A field that is null is left as it is. */
export const UpdateGroupType = exactly({
  group_type: Type.Object(
    {
      name: Type.Optional(orNull(TypeName)),
      description: Type.Optional(Description),
      is_public: Type.Optional(orNull(Bool)),
    },
    atLeastOne,
  ),
});

export const CreateGroupSpecs = exactly({ group_specs: GroupSpecs });
export const UpdateGroupSpec = GroupSpecs;

export const CreateGroup = exactly({
  group: exactly({
    ...labels,
    group_type: Type.String({ minLength: 1, maxLength: 255 }),
    volume_types: Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
      minItems: 1,
      maxItems: 1000,
      uniqueItems: true,
    }),
    availability_zone: Type.Optional(Name),
  }),
});

/** Ids of volumes with commas between them: a thousand fit. */
const VolumeIds = orNull(Type.String({ maxLength: 37_000 }));

/** A field that is null is left as it is. */
export const UpdateGroup = exactly({
  group: Type.Object(
    {
      ...labels,
      add_volumes: Type.Optional(VolumeIds),
      remove_volumes: Type.Optional(VolumeIds),
    },
    atLeastOne,
  ),
});

export const DeleteGroup = exactly({
  delete: exactly({ 'delete-volumes': Type.Optional(Bool) }),
});

export const CreateFromSource = exactly({
  'create-from-src': exactly({
    ...labels,
    group_snapshot_id: Type.Optional(Uuid),
    source_group_id: Type.Optional(Uuid),
  }),
});

/** The source that a request names, which has to be exactly one. */
export function sourceOf(given: {
  readonly group_snapshot_id?: string;
  readonly source_group_id?: string;
}): GroupSource {
  const { group_snapshot_id: groupSnapshotId, source_group_id: sourceGroupId } = given;
  if (groupSnapshotId !== undefined && sourceGroupId === undefined) return { groupSnapshotId };
  if (sourceGroupId !== undefined && groupSnapshotId === undefined) return { sourceGroupId };
  throw new OperatingError(
    'invalid_input',
    `Invalid input for field/attribute create-from-src. Value: ${pythonText(given)}. Just one ` +
      "of 'group_snapshot_id' and 'source_group_id' must be provided.",
    { field: 'create-from-src' },
  );
}

export const CreateGroupSnapshot = exactly({
  group_snapshot: exactly({ ...labels, group_id: Uuid }),
});

export const UpdateGroupSnapshot = exactly({
  group_snapshot: Type.Object(labels, atLeastOne),
});

export const ResetGroupStatus = exactly({ reset_status: exactly({ status: Type.String() }) });

/** The status that an administrator wants to set by hand. */
export function parseGroupStatus(body: unknown, what: 'Group' | 'GroupSnapshot'): GroupStatus {
  const { status } = parseBody(ResetGroupStatus, body).reset_status;
  const found = groupStatuses.find((one) => one === status.toLowerCase());
  if (found !== undefined) return found;
  const noun = what === 'Group' ? 'Group' : 'Group snapshot';
  throw new OperatingError(
    'invalid_input',
    `Invalid ${what} Status: ${noun} status: ${status.slice(0, 255)} is invalid, valid status ` +
      `are: (${groupStatuses.map((one) => `'${one}'`).join(', ')}).`,
    { field: 'status' },
  );
}
