import type { ReactNode } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { createBackup } from '../api/backups.ts';
import { useDialogs } from '../components/dialogs.tsx';
import { FormDialog } from '../components/form-dialog.tsx';
import { toastSuccess } from '../components/toasts.ts';

interface BackUpProps {
  readonly volumeId: string;
  readonly name: string;
  readonly status: string;
}

export function BackUpDialog({ volumeId, name, status }: BackUpProps): ReactNode {
  const { close } = useDialogs();
  const queries = useQueryClient();
  const isInUse = status === 'in-use';
  const submit = async (): Promise<void> => {
    await createBackup({
      volume_id: volumeId,
      snapshot_id: null,
      name: `${name} ${new Date().toLocaleString()}`.slice(0, 255),
      description: 'Made by hand in the portal',
      container: null,
      incremental: false,
      force: isInUse,
    });
    void queries.invalidateQueries({ queryKey: ['backups'] });
    close();
    toastSuccess(`${name} is being backed up.`);
  };
  return (
    <FormDialog
      title={`Back up ${name} now`}
      submitLabel="Back up now"
      failure="The backup could not be begun."
      submit={submit}
    >
      <p>Firn keeps what the volume holds at this moment. You can go on working meanwhile.</p>
      {isInUse && (
        <p>
          A machine is using it right now. The backup is what you would find after pulling the
          machine&apos;s plug: almost always fine, but what a program has not written yet is not in
          it. To be sure, save your work, or stop the program, before you click.
        </p>
      )}
      <p>This backup is yours: no plan deletes it.</p>
    </FormDialog>
  );
}
