/** What can be done with a group snapshot, and when (Horizon's rules). */
import type { ReactNode } from 'react';
import { deleteGroupSnapshot, type GroupSnapshot } from '../../api/groups.ts';
import { ConfirmDelete } from '../../components/confirm-delete.tsx';
import { useDialogs } from '../../components/dialogs.tsx';
import { nameOf } from '../../components/quantities.ts';
import type { RowAction } from '../../components/row-actions.tsx';
import { toastInfo } from '../../components/toasts.ts';
import { CopyGroupDialog } from './copy-group-dialog.tsx';

export function useGroupSnapshotActions(
  options: { afterDelete?: () => void } = {},
): readonly RowAction<GroupSnapshot>[] {
  const dialogs = useDialogs();
  return [
    {
      label: 'Create Group',
      isOffered: ({ status }) => status === 'available',
      run: ({ id, name }) => {
        const source = { kind: 'snapshot', id, name: nameOf({ id, name }) } as const;
        dialogs.open(<CopyGroupDialog source={source} />);
      },
    },
    {
      label: 'Delete Group Snapshot',
      isDangerous: true,
      isOffered: ({ status }) => status === 'available' || status === 'error',
      run: (snapshot) => dialogs.open(<DeleteGroupSnapshots snapshots={[snapshot]} {...options} />),
    },
  ];
}

export function DeleteGroupSnapshots(props: {
  readonly snapshots: readonly GroupSnapshot[];
  readonly afterDelete?: () => void;
}): ReactNode {
  const { snapshots, afterDelete } = props;
  return (
    <ConfirmDelete
      label={snapshots.length === 1 ? 'Delete Group Snapshot' : 'Delete Group Snapshots'}
      rows={snapshots.map(({ id, name }) => ({ id, name: nameOf({ id, name }) }))}
      help="The snapshots of all its volumes go with it."
      remove={deleteGroupSnapshot}
      onDone={(names) => {
        toastInfo(`Scheduled deletion of Group Snapshot: ${names.join(', ')}`);
        afterDelete?.();
      }}
    />
  );
}
