import { Alert, NativeSelect } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { restoreBackup, type Backup } from '../../api/backups.ts';
import { volumeChoicesQuery } from '../../api/volumes.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { useNavigateTo } from '../../components/navigate.ts';
import { nameOf } from '../../components/quantities.ts';
import { toastInfo } from '../../components/toasts.ts';

export function RestoreBackupDialog({ backup }: { backup: Backup }): ReactNode {
  const { close } = useDialogs();
  const goTo = useNavigateTo();
  const { data: volumes } = useQuery(volumeChoicesQuery({ status: 'available' }));
  const form = useForm({ volumeId: '' });
  const { set } = form;
  const own = volumes?.find((volume) => volume.id === backup.volume_id);
  const ownId = own?.id;
  useEffect(() => {
    if (ownId !== undefined) set({ volumeId: ownId });
  }, [ownId, set]);
  const target = volumes?.find((volume) => volume.id === form.values.volumeId);
  const name = nameOf(backup);
  const submit = async (): Promise<void> => {
    const restored = await restoreBackup(backup.id, target?.id ?? null);
    close();
    toastInfo(
      `Request for restoring backup ${name} to volume with id: ${restored.volume_id} has been ` +
        'submitted.',
    );
    goTo('/project/volumes');
  };
  return (
    <FormDialog
      title="Restore Volume Backup"
      submitLabel="Restore Backup to Volume"
      isDangerous={target !== undefined}
      failure="Unable to restore volume backup."
      submit={submit}
      help={
        <>
          <p>
            <b>Restore Backup</b>: Select a volume to restore to, or “Create a New Volume”.
          </p>
          <p>
            Optionally, you may choose to create a new volume of {backup.size} GiB: nothing is
            overwritten then.
          </p>
        </>
      }
    >
      <NativeSelect
        label="Select Volume"
        data={[
          { value: '', label: 'Create a New Volume' },
          ...(volumes ?? [])
            .filter((volume) => volume.size >= backup.size)
            .map((volume) => ({
              value: volume.id,
              label: `${nameOf(volume)} (${volume.size} GiB)`,
            })),
        ]}
        {...form.choice('volumeId')}
      />
      {target !== undefined && (
        <Alert color="yellow" title={`All data of “${nameOf(target)}” is overwritten`}>
          It will hold exactly what the backup “{name}” holds.
        </Alert>
      )}
    </FormDialog>
  );
}
