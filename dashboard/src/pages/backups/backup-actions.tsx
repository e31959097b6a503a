/** What can be done with a backup, and when (Horizon's rules, and what Horizon has not). */
import { NativeSelect, Text, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import {
  type Backup,
  deleteBackup,
  drillBackup,
  restoreInstantly,
  type VerifyDepth,
  verifyBackup,
} from '../../api/backups.ts';
import { ConfirmDelete } from '../../components/confirm-delete.tsx';
import { useDialogs } from '../../components/dialogs.tsx';
import { nameProblem, useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { useNavigateTo } from '../../components/navigate.ts';
import { nameOf } from '../../components/quantities.ts';
import type { RowAction } from '../../components/row-actions.tsx';
import { toastInfo, toastSuccess } from '../../components/toasts.ts';
import { MountDialog } from '../exports/mount-dialog.tsx';
import { useHoldActions } from '../holds/hold-actions.tsx';
import { RestoreBackupDialog } from './restore-backup-dialog.tsx';

const isAvailable = ({ status }: Backup): boolean => status === 'available';

export function useBackupActions(
  options: { afterDelete?: () => void } = {},
): readonly RowAction<Backup>[] {
  const dialogs = useDialogs();
  const holds = useHoldActions<Backup>('backup');
  return [
    {
      label: 'Restore Backup',
      isOffered: isAvailable,
      run: (backup) => dialogs.open(<RestoreBackupDialog backup={backup} />),
    },
    {
      label: 'Instant Restore',
      isOffered: isAvailable,
      run: (backup) => dialogs.open(<InstantRestoreDialog backup={backup} />),
    },
    {
      label: 'Mount',
      isOffered: isAvailable,
      run: (backup) => {
        const of = { kind: 'backup', id: backup.id } as const;
        dialogs.open(<MountDialog of={of} name={nameOf(backup)} />);
      },
    },
    {
      label: 'Verify Backup',
      isOffered: isAvailable,
      run: (backup) => dialogs.open(<VerifyDialog backup={backup} />),
    },
    {
      label: 'Run Drill',
      isOffered: isAvailable,
      run: (backup) => dialogs.open(<DrillDialog backup={backup} />),
    },
    ...holds,
    {
      label: 'Delete Volume Backup',
      isDangerous: true,
      isOffered: ({ status }) => ['available', 'error', 'error_deleting'].includes(status),
      run: (backup) => dialogs.open(<DeleteBackups backups={[backup]} {...options} />),
    },
  ];
}

export function DeleteBackups(props: {
  readonly backups: readonly Backup[];
  readonly afterDelete?: () => void;
}): ReactNode {
  const { backups, afterDelete } = props;
  return (
    <ConfirmDelete
      label={backups.length === 1 ? 'Delete Volume Backup' : 'Delete Volume Backups'}
      rows={backups.map(({ id, name }) => ({ id, name: nameOf({ id, name }) }))}
      help="Deleted backups are not recoverable. Other backups do not need them and stay whole."
      remove={deleteBackup}
      onDone={(names) => {
        toastSuccess(`Scheduled deletion of Volume Backup: ${names.join(', ')}`);
        afterDelete?.();
      }}
    />
  );
}

function InstantRestoreDialog({ backup }: { backup: Backup }): ReactNode {
  const { close } = useDialogs();
  const goTo = useNavigateTo();
  const form = useForm({ name: `restored-${nameOf(backup)}`.slice(0, 255) }, ({ name }) => ({
    name: nameProblem(name, { required: true }),
  }));
  const submit = async (): Promise<void> => {
    const restored = await restoreInstantly(backup.id, form.values.name);
    close();
    toastInfo(`"${form.values.name}" can be used now; its data follows in the background.`);
    goTo(`/project/volumes/${restored.volume_id}?tab=connect`);
  };
  return (
    <FormDialog
      title="Instant Restore"
      submitLabel="Instant Restore"
      failure="Unable to restore volume backup."
      check={form.check}
      submit={submit}
      help={
        <p>
          A new volume that can be used at once, whatever its size: what a guest reads is fetched
          from the backup first, and the rest follows in the background.
        </p>
      }
    >
      <TextInput label="Volume Name" required data-autofocus {...form.text('name')} />
    </FormDialog>
  );
}

const depthChoices: readonly { value: VerifyDepth; label: string }[] = [
  { value: 'objects', label: 'Objects: everything is there' },
  { value: 'blocks', label: 'Blocks: every byte is read and checked' },
  { value: 'filesystem', label: 'File system: checked like a disk' },
];

function VerifyDialog({ backup }: { backup: Backup }): ReactNode {
  const { close } = useDialogs();
  const form = useForm({ depth: 'blocks' });
  const submit = async (): Promise<void> => {
    const depth = depthChoices.find(({ value }) => value === form.values.depth)?.value ?? 'blocks';
    await verifyBackup(backup.id, depth);
    close();
    toastInfo(`Verifying volume backup "${nameOf(backup)}"`);
  };
  return (
    <FormDialog
      title="Verify Backup"
      submitLabel="Verify Backup"
      failure="Unable to verify volume backup."
      submit={submit}
      help={<p>Proves now that the backup can be read, before the day that it is needed.</p>}
    >
      <NativeSelect label="Depth" data={[...depthChoices]} {...form.choice('depth')} />
    </FormDialog>
  );
}

function DrillDialog({ backup }: { backup: Backup }): ReactNode {
  const { close } = useDialogs();
  return (
    <FormDialog
      title="Run Drill"
      submitLabel="Run Drill"
      failure="Unable to run the drill."
      submit={async () => {
        await drillBackup(backup.id);
        close();
        toastInfo(`Drill of volume backup "${nameOf(backup)}" begins.`);
      }}
    >
      <Text>
        A drill restores “{nameOf(backup)}” into a volume of its own, checks what a guest would see,
        and throws the volume away. Its log is on the backup’s page.
      </Text>
    </FormDialog>
  );
}
