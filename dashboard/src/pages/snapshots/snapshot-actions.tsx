/** What can be done with a snapshot, and when (Horizon's rules). */
import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { deleteSnapshot, type Snapshot } from '../../api/snapshots.ts';
import { revertVolume } from '../../api/volumes.ts';
import { ConfirmDelete } from '../../components/confirm-delete.tsx';
import { useDialogs } from '../../components/dialogs.tsx';
import { FormDialog } from '../../components/form-dialog.tsx';
import { MetadataDialog } from '../../components/metadata-dialog.tsx';
import { nameOf } from '../../components/quantities.ts';
import type { RowAction } from '../../components/row-actions.tsx';
import { toastInfo } from '../../components/toasts.ts';
import { useHoldActions } from '../holds/hold-actions.tsx';
import { CreateBackupDialog } from '../backups/create-backup-dialog.tsx';
import { CreateVolumeDialog } from '../volumes/create-volume-dialog.tsx';
import { EditSnapshotDialog } from './edit-snapshot-dialog.tsx';
import { MountDialog } from '../exports/mount-dialog.tsx';

const isAvailable = ({ status }: Snapshot): boolean => status === 'available';

const undeletable: readonly string[] = ['backing-up', 'creating', 'deleting', 'restoring'];

const isDeletable = ({ status, group_snapshot_id: group }: Snapshot): boolean =>
  !undeletable.includes(status) && group === null;

export function useSnapshotActions(
  options: { afterDelete?: () => void } = {},
): readonly RowAction<Snapshot>[] {
  const dialogs = useDialogs();
  const holds = useHoldActions<Snapshot>('snapshot');
  return [
    {
      label: 'Create Volume',
      isOffered: isAvailable,
      run: ({ id, name, size }) =>
        dialogs.open(<CreateVolumeDialog source={{ kind: 'snapshot', id, name, size }} />),
    },
    {
      label: 'Create Backup',
      isOffered: isAvailable,
      run: (snapshot) => dialogs.open(<CreateBackupDialog source={{ snapshot }} />),
    },
    {
      label: 'Edit Snapshot',
      isOffered: isAvailable,
      run: (snapshot) => dialogs.open(<EditSnapshotDialog snapshot={snapshot} />),
    },
    {
      label: 'Mount',
      isOffered: isAvailable,
      run: (snapshot) => {
        const of = { kind: 'snapshot', id: snapshot.id } as const;
        dialogs.open(<MountDialog of={of} name={nameOf(snapshot)} />);
      },
    },
    {
      label: 'Revert Volume to Snapshot',
      isDangerous: true,
      isOffered: isAvailable,
      run: (snapshot) => dialogs.open(<RevertDialog snapshot={snapshot} />),
    },
    ...holds,
    {
      label: 'Delete Volume Snapshot',
      isDangerous: true,
      isOffered: isDeletable,
      run: (snapshot) => dialogs.open(<DeleteSnapshots snapshots={[snapshot]} {...options} />),
    },
    {
      label: 'Update Metadata',
      run: ({ id, name, metadata }) => {
        const subject = { kind: 'snapshots', id, name: nameOf({ id, name }), metadata } as const;
        dialogs.open(<MetadataDialog {...subject} />);
      },
    },
  ];
}

export function DeleteSnapshots(props: {
  readonly snapshots: readonly Snapshot[];
  readonly afterDelete?: () => void;
}): ReactNode {
  const { snapshots, afterDelete } = props;
  return (
    <ConfirmDelete
      label={snapshots.length === 1 ? 'Delete Volume Snapshot' : 'Delete Volume Snapshots'}
      rows={snapshots.map(({ id, name }) => ({ id, name: nameOf({ id, name }) }))}
      help="Deleted snapshots are not recoverable. Their volumes and backups stay."
      remove={deleteSnapshot}
      onDone={(names) => {
        toastInfo(`Scheduled deletion of Volume Snapshot: ${names.join(', ')}`);
        afterDelete?.();
      }}
    />
  );
}

function RevertDialog({ snapshot }: { snapshot: Snapshot }): ReactNode {
  const { close } = useDialogs();
  return (
    <FormDialog
      title="Confirm Revert Volume to Snapshot"
      submitLabel="Revert Volume to Snapshot"
      isDangerous
      failure="Unable to revert the volume."
      submit={async () => {
        await revertVolume(snapshot.volume_id, snapshot.id);
        close();
        toastInfo(`Reverting the volume to "${nameOf(snapshot)}".`);
      }}
    >
      <Text>
        The volume will hold what it held at “{nameOf(snapshot)}”.{' '}
        <b>All that was written since is lost</b>; take a snapshot first if you may want it back.
        The API allows this for the newest snapshot of a volume that nobody uses.
      </Text>
    </FormDialog>
  );
}
