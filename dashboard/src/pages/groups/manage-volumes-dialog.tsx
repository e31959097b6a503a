import { Checkbox, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type Group, groupQuery, updateGroup } from '../../api/groups.ts';
import { volumeTypesQuery } from '../../api/installation.ts';
import { type Volume, volumeChoicesQuery } from '../../api/volumes.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { FormDialog } from '../../components/form-dialog.tsx';
import { nameOf } from '../../components/quantities.ts';
import { toastInfo } from '../../components/toasts.ts';

/** Which volumes belong to a group. */
export function ManageVolumesDialog({ groupId }: { groupId: string }): ReactNode {
  const { data: group } = useQuery(groupQuery(groupId));
  const { data: volumes } = useQuery(volumeChoicesQuery({}));
  if (group === undefined || volumes === undefined) return null;
  return <MembersForm group={group} volumes={volumes} />;
}

interface MembersFormProps {
  readonly group: Group;
  readonly volumes: readonly Volume[];
}

function MembersForm({ group, volumes }: MembersFormProps): ReactNode {
  const { close } = useDialogs();
  const { data: types = [] } = useQuery(volumeTypesQuery);
  const before = volumes.filter((volume) => volume.group_id === group.id).map(({ id }) => id);
  const [chosen, setChosen] = useState<readonly string[]>(before);
  const typeNames = types
    .filter(({ id }) => group.volume_types.includes(id))
    .map(({ name }) => name);
  const fitting = volumes.filter(
    (volume) =>
      volume.group_id === group.id ||
      (volume.group_id === null && typeNames.includes(volume.volume_type ?? '')),
  );
  const added = chosen.filter((id) => !before.includes(id));
  const removed = before.filter((id) => !chosen.includes(id));
  return (
    <FormDialog
      title="Add/Remove Group Volumes"
      submitLabel="Submit"
      failure="Unable to edit volumes in group."
      isDisabled={added.length + removed.length === 0}
      submit={async () => {
        await updateGroup(group.id, {
          ...(added.length === 0 ? {} : { add_volumes: added.join(',') }),
          ...(removed.length === 0 ? {} : { remove_volumes: removed.join(',') }),
        });
        close();
        toastInfo(`Updating volume group "${nameOf(group)}"`);
      }}
      help={<p>Volumes of the group’s types that are in no other group can be added.</p>}
    >
      {fitting.length === 0 ? (
        <Text>No volume fits. Create one of the type {typeNames.join(' or ')} first.</Text>
      ) : (
        <Checkbox.Group label="Volumes" value={[...chosen]} onChange={setChosen}>
          {fitting.map((volume) => (
            <Checkbox
              key={volume.id}
              value={volume.id}
              label={`${nameOf(volume)} (${volume.size} GiB)`}
              mt="xs"
            />
          ))}
        </Checkbox.Group>
      )}
    </FormDialog>
  );
}
