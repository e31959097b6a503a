/** What can be done with a group, and when (Horizon's rules). */
import { Checkbox, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { deleteGroup, type Group } from '../../api/groups.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { nameOf } from '../../components/quantities.ts';
import type { RowAction } from '../../components/row-actions.tsx';
import { toastInfo } from '../../components/toasts.ts';
import { CopyGroupDialog } from './copy-group-dialog.tsx';
import { EditGroupDialog } from './edit-group-dialog.tsx';
import { ManageVolumesDialog } from './manage-volumes-dialog.tsx';
import { SnapshotGroupDialog } from './snapshot-group-dialog.tsx';

const isAvailable = ({ status }: Group): boolean => status === 'available';

export function useGroupActions(
  options: { afterDelete?: () => void } = {},
): readonly RowAction<Group>[] {
  const dialogs = useDialogs();
  return [
    {
      label: 'Edit Group',
      run: (group) => dialogs.open(<EditGroupDialog group={group} />),
    },
    {
      label: 'Manage Volumes',
      isOffered: isAvailable,
      run: (group) => dialogs.open(<ManageVolumesDialog groupId={group.id} />),
    },
    {
      label: 'Create Snapshot',
      isOffered: isAvailable,
      run: (group) => dialogs.open(<SnapshotGroupDialog group={group} />),
    },
    {
      label: 'Clone Group',
      isOffered: isAvailable,
      run: ({ id, name }) => {
        const source = { kind: 'group', id, name: nameOf({ id, name }) } as const;
        dialogs.open(<CopyGroupDialog source={source} />);
      },
    },
    {
      label: 'Delete Group',
      isDangerous: true,
      isOffered: ({ status }) => status === 'available' || status === 'error',
      run: (group) => dialogs.open(<DeleteGroupDialog group={group} {...options} />),
    },
  ];
}

interface DeleteGroupProps {
  readonly group: Group;
  readonly afterDelete?: () => void;
}

function DeleteGroupDialog({ group, afterDelete }: DeleteGroupProps): ReactNode {
  const { close } = useDialogs();
  const form = useForm({ withVolumes: false });
  const name = nameOf(group);
  return (
    <FormDialog
      title="Confirm Delete Group"
      submitLabel="Delete Group"
      isDangerous
      failure="Unable to delete group."
      submit={async () => {
        await deleteGroup(group.id, form.values.withVolumes);
        close();
        toastInfo(`Scheduled deletion of Group: ${name}`);
        afterDelete?.();
      }}
    >
      <Text className="any-break">You have selected: “{name}”. Please confirm your selection.</Text>
      <Checkbox
        label="Delete Volumes"
        description="Also delete the volumes of the group and all their data; that is for good."
        {...form.box('withVolumes')}
      />
    </FormDialog>
  );
}
