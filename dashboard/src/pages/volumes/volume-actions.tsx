/** What can be done with a volume, and when (Horizon's rules). */
import { useNavigateTo } from '../../components/navigate.ts';
import { ConfirmDelete } from '../../components/confirm-delete.tsx';
import { useDialogs } from '../../components/dialogs.tsx';
import { MetadataDialog } from '../../components/metadata-dialog.tsx';
import { nameOf } from '../../components/quantities.ts';
import type { RowAction } from '../../components/row-actions.tsx';
import { toastInfo } from '../../components/toasts.ts';
import { deleteVolume, type Volume } from '../../api/volumes.ts';
import { useHoldActions } from '../holds/hold-actions.tsx';
import { CreateBackupDialog } from '../backups/create-backup-dialog.tsx';
import { CreateSnapshotDialog } from '../snapshots/create-snapshot-dialog.tsx';
import { ChangeTypeDialog } from './change-type-dialog.tsx';
import { EditVolumeDialog } from './edit-volume-dialog.tsx';
import { ExtendVolumeDialog } from './extend-volume-dialog.tsx';
import { UploadImageDialog } from './upload-image-dialog.tsx';
import { CancelTransferDialog, CreateTransferDialog } from './transfer-dialogs.tsx';

const usable: readonly string[] = ['available', 'in-use'];
const deletable: readonly string[] = [
  'available',
  'error',
  'error_extending',
  'error_managing',
  'error_restoring',
  'error_deleting',
];

export const isUsable = ({ status }: Volume): boolean => usable.includes(status);

/** Whether Horizon would offer to delete it; the API refuses one with snapshots in its words. */
export const isDeletable = ({ status, group_id: groupId }: Volume): boolean =>
  deletable.includes(status) && groupId === null;

export function useVolumeActions(
  options: {
    hasSnapshots?: (volume: Volume) => boolean;
    afterDelete?: () => void;
  } = {},
): readonly RowAction<Volume>[] {
  const dialogs = useDialogs();
  const goTo = useNavigateTo();
  const { hasSnapshots } = options;
  const holds = useHoldActions<Volume>('volume');
  return [
    {
      label: 'Edit Volume',
      isOffered: ({ status }) => status !== 'deleting',
      run: (volume) => dialogs.open(<EditVolumeDialog volume={volume} />),
    },
    {
      label: 'Extend Volume',
      isOffered: isUsable,
      run: (volume) => dialogs.open(<ExtendVolumeDialog volume={volume} />),
    },
    {
      label: 'Create Snapshot',
      isOffered: isUsable,
      run: (volume) => dialogs.open(<CreateSnapshotDialog volume={volume} />),
    },
    {
      label: 'Create Backup',
      isOffered: isUsable,
      run: (volume) => dialogs.open(<CreateBackupDialog source={{ volume }} />),
    },
    {
      label: 'Change Volume Type',
      isOffered: isUsable,
      run: (volume) => dialogs.open(<ChangeTypeDialog volume={volume} />),
    },
    {
      label: 'Upload to Image',
      isOffered: isUsable,
      run: (volume) => dialogs.open(<UploadImageDialog volume={volume} />),
    },
    {
      label: 'Connect',
      isOffered: isUsable,
      run: ({ id }) => goTo(`/project/volumes/${id}?tab=connect`),
    },
    ...transferActions(dialogs),
    ...holds,
    {
      label: 'Delete Volume',
      isDangerous: true,
      isOffered: (volume) => isDeletable(volume) && hasSnapshots?.(volume) !== true,
      run: (volume) => dialogs.open(<DeleteVolumes volumes={[volume]} {...options} />),
    },
    {
      label: 'Update Metadata',
      run: ({ id, name, metadata }) =>
        dialogs.open(
          <MetadataDialog kind="volumes" id={id} name={nameOf({ id, name })} metadata={metadata} />,
        ),
    },
  ];
}

function transferActions(dialogs: ReturnType<typeof useDialogs>): readonly RowAction<Volume>[] {
  return [
    {
      label: 'Create Transfer',
      isOffered: ({ status }) => status === 'available',
      run: (volume) => dialogs.open(<CreateTransferDialog volume={volume} />),
    },
    {
      label: 'Cancel Transfer',
      isOffered: ({ status }) => status === 'awaiting-transfer',
      run: (volume) => dialogs.open(<CancelTransferDialog volume={volume} />),
    },
  ];
}

export function DeleteVolumes(props: {
  readonly volumes: readonly Volume[];
  readonly afterDelete?: () => void;
}): React.ReactNode {
  const { volumes, afterDelete } = props;
  return (
    <ConfirmDelete
      label={volumes.length === 1 ? 'Delete Volume' : 'Delete Volumes'}
      rows={volumes.map(({ id, name }) => ({ id, name: nameOf({ id, name }) }))}
      help="Deleted volumes and their data are not recoverable. Backups of them stay."
      remove={deleteVolume}
      onDone={(names) => {
        toastInfo(`Scheduled deletion of Volume: ${names.join(', ')}`);
        afterDelete?.();
      }}
    />
  );
}
