import { Checkbox, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { backupChoicesQuery, createBackup } from '../../api/backups.ts';
import { type Snapshot, snapshotChoicesQuery } from '../../api/snapshots.ts';
import type { Volume } from '../../api/volumes.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { nameProblem, useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { useNavigateTo } from '../../components/navigate.ts';
import { nameOf } from '../../components/quantities.ts';
import { toastInfo } from '../../components/toasts.ts';

export type BackupSource = { readonly snapshot: Snapshot } | { readonly volume: Volume };

function containerProblem(container: string): string | undefined {
  if (container.includes('/')) return 'Container names cannot contain slashes.';
  return nameProblem(container, { required: false });
}

export function CreateBackupDialog({ source }: { source: BackupSource }): ReactNode {
  const { close } = useDialogs();
  const goTo = useNavigateTo();
  const fixed = 'snapshot' in source ? source.snapshot : undefined;
  const volumeId = 'snapshot' in source ? source.snapshot.volume_id : source.volume.id;
  const isInUse = 'volume' in source && source.volume.status === 'in-use';
  const { data: earlier = [] } = useQuery(
    backupChoicesQuery({ volume_id: volumeId, status: 'available' }),
  );
  const form = useForm(
    {
      name: '',
      description: '',
      container: '',
      snapshotId: fixed?.id ?? '',
      incremental: false,
    },
    ({ name, description, container }) => ({
      name: nameProblem(name, { required: true }),
      description: nameProblem(description, { required: false }),
      container: containerProblem(container),
    }),
  );
  const { values } = form;
  const submit = async (): Promise<void> => {
    const { name, description, container, snapshotId, incremental } = values;
    await createBackup({
      volume_id: volumeId,
      snapshot_id: snapshotId === '' ? null : snapshotId,
      name,
      description,
      container: container === '' ? null : container,
      incremental,
      force: isInUse,
    });
    close();
    toastInfo(`Creating volume backup "${name}"`);
    goTo('/project/backups');
  };
  return (
    <FormDialog
      title="Create Volume Backup"
      submitLabel="Create Volume Backup"
      failure="Unable to create volume backup."
      check={form.check}
      submit={submit}
      help={<BackupHelp />}
    >
      <TextInput label="Backup Name" required data-autofocus {...form.text('name')} />
      <Textarea label="Description" rows={4} {...form.text('description')} />
      <TextInput label="Container Name" {...form.text('container')} />
      <SnapshotField volumeId={volumeId} fixed={fixed} choice={form.choice('snapshotId')} />
      {earlier.length > 0 && (
        <Checkbox
          label="Incremental"
          description={
            'By default, a backup is created as a full backup. Check this to do an incremental ' +
            'backup from latest backup. Only available if a prior backup exists.'
          }
          {...form.box('incremental')}
        />
      )}
    </FormDialog>
  );
}

interface SnapshotFieldProps {
  readonly volumeId: string;
  readonly fixed: Snapshot | undefined;
  readonly choice: ReturnType<ReturnType<typeof useForm<{ snapshotId: string }>>['choice']>;
}

function SnapshotField({ volumeId, fixed, choice }: SnapshotFieldProps): ReactNode {
  const { data: found } = useQuery({
    ...snapshotChoicesQuery({ volume_id: volumeId, status: 'available' }),
    enabled: fixed === undefined,
  });
  const snapshots = fixed === undefined ? (found ?? []) : [fixed];
  const first =
    snapshots.length === 0 ? 'No snapshot for this volume' : 'Select snapshot to backup (Optional)';
  return (
    <NativeSelect
      label="Backup Snapshot"
      {...choice}
      data={[
        ...(fixed === undefined ? [{ value: '', label: first }] : []),
        ...snapshots.map((snapshot) => ({
          value: snapshot.id,
          label: `${nameOf(snapshot)} (${snapshot.size}GiB)`,
        })),
      ]}
    />
  );
}

function BackupHelp(): ReactNode {
  return (
    <>
      <p>
        <b>Volume Backup</b>: Volume Backups are stored in the secondary storage of this
        installation, away from the volumes, and outlive the volume and the snapshot.
      </p>
      <p>
        If you provide no container name, the backup will be stored in a container called
        volumebackups. A backup is available when every byte of it is safe.
      </p>
      <p>
        Every backup is whole: what an earlier one holds already is neither copied nor stored again,
        and any of them can be deleted in any order.
      </p>
    </>
  );
}
