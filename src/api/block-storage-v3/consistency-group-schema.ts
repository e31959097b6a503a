/**
 * Requests about consistency groups (api-ref of Cinder). Clients send more than is read, such as
 * `user_id`, `project_id` and `status`.
 */
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { OperatingError } from '../../base/errors.ts';
import type { GroupSource } from '../../operation/group/create-group-from-source.ts';
import type { GroupUpdate } from '../../operation/group/update-group.ts';
import { parseBody } from '../body.ts';
import { Bool, Description, Name, orNull, trimmed, Uuid } from './fields.ts';
import { idsIn } from './ids-in.ts';

const labels = { name: Type.Optional(Name), description: Type.Optional(Description) };
const Ids = Type.Optional(orNull(Type.String({ maxLength: 65_535 })));

export const CreateConsistencyGroup = Type.Object({
  consistencygroup: Type.Object({
    ...labels,
    volume_types: Type.String({ minLength: 1, maxLength: 65_535 }),
    availability_zone: Type.Optional(Name),
  }),
});

export const CreateConsistencyGroupFrom = Type.Object({
  'consistencygroup-from-src': Type.Object({
    ...labels,
    cgsnapshot_id: Type.Optional(orNull(Uuid)),
    source_cgid: Type.Optional(orNull(Uuid)),
  }),
});

export const UpdateConsistencyGroup = Type.Object({
  consistencygroup: Type.Object({ ...labels, add_volumes: Ids, remove_volumes: Ids }),
});

export const DeleteConsistencyGroup = Type.Object({
  consistencygroup: Type.Optional(Type.Object({ force: Type.Optional(Bool) })),
});

export const CreateCgsnapshot = Type.Object({
  cgsnapshot: Type.Object({ ...labels, consistencygroup_id: Uuid }),
});

export function sourceOfConsistencyGroup(
  given: Static<typeof CreateConsistencyGroupFrom>['consistencygroup-from-src'],
): GroupSource {
  const { cgsnapshot_id: groupSnapshotId, source_cgid: sourceGroupId, name } = given;
  const [snapshot, group] = [groupSnapshotId ?? null, sourceGroupId ?? null];
  if (snapshot !== null && group === null) return { groupSnapshotId: snapshot };
  if (group !== null && snapshot === null) return { sourceGroupId: group };
  throw invalid(
    snapshot === null
      ? "Either 'cgsnapshot_id' or 'source_cgid' must be provided to create consistency group " +
          `${name ?? 'None'} from source.`
      : "Cannot provide both 'cgsnapshot_id' and 'source_cgid' to create consistency group " +
          `${name ?? 'None'} from source.`,
  );
}

/** Since 3.6 name and description can be made empty. */
export function groupUpdateOf(body: unknown, microversion: number): GroupUpdate {
  const { consistencygroup: given } = parseBody(UpdateConsistencyGroup, body);
  const [name, description] = [trimmed(given.name), trimmed(given.description)];
  const [addVolumes, removeVolumes] = [idsIn(given.add_volumes), idsIn(given.remove_volumes)];
  const isSaid = (text: string | null): boolean =>
    microversion >= 6 ? text !== null : text !== null && text !== '';
  const saysSomething = isSaid(name) || isSaid(description);
  if (!saysSomething && addVolumes.length === 0 && removeVolumes.length === 0) {
    throw invalid(
      microversion >= 6
        ? 'Must specify one or more of the following keys to update: name, description, ' +
            'add_volumes, remove_volumes.'
        : 'Name, description, add_volumes, and remove_volumes can not be all empty in the ' +
            'request body.',
    );
  }
  return {
    ...(isSaid(name) ? { name } : {}),
    ...(isSaid(description) ? { description } : {}),
    addVolumes,
    removeVolumes,
  };
}

function invalid(message: string): OperatingError {
  return new OperatingError('invalid_input', message, { field: 'consistencygroup' });
}
