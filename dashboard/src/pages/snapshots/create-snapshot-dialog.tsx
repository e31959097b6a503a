import { Alert, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { limitsQuery } from '../../api/installation.ts';
import { createSnapshot } from '../../api/snapshots.ts';
import type { Volume } from '../../api/volumes.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { nameProblem, useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { LimitBars } from '../../components/limit-bars.tsx';
import { useNavigateTo } from '../../components/navigate.ts';
import { toastInfo } from '../../components/toasts.ts';

export function CreateSnapshotDialog({ volume }: { volume: Volume }): ReactNode {
  const { close } = useDialogs();
  const goTo = useNavigateTo();
  const { data: limits } = useQuery(limitsQuery);
  const form = useForm({ name: '', description: '' }, ({ name, description }) => ({
    name: nameProblem(name, { required: true }),
    description: nameProblem(description, { required: false }),
  }));
  const isInUse = volume.status === 'in-use';
  const submit = async (): Promise<void> => {
    await createSnapshot({ volume_id: volume.id, ...form.values });
    close();
    toastInfo(`Creating volume snapshot "${form.values.name}".`);
    goTo('/project/snapshots');
  };
  const label = 'Create Volume Snapshot';
  return (
    <FormDialog
      title={label}
      submitLabel={isInUse ? `${label} (Force)` : label}
      failure="Unable to create volume snapshot."
      check={form.check}
      submit={submit}
      help={
        <>
          <p>From here you can create a snapshot of a volume.</p>
          {limits !== undefined && (
            <LimitBars
              title="Snapshot Limits"
              bars={[
                {
                  label: 'Total Gibibytes',
                  used: limits.totalGigabytesUsed,
                  added: volume.size,
                  max: limits.maxTotalVolumeGigabytes,
                  unit: ' GiB',
                },
                {
                  label: 'Number of Snapshots',
                  used: limits.totalSnapshotsUsed,
                  added: 1,
                  max: limits.maxTotalSnapshots,
                },
              ]}
            />
          )}
        </>
      }
    >
      {isInUse && (
        <Alert color="yellow" title="This volume is currently attached.">
          The snapshot holds what has reached the volume by then, as after a power cut. For more,
          freeze the file system in the guest first.
        </Alert>
      )}
      <TextInput label="Snapshot Name" required data-autofocus {...form.text('name')} />
      <Textarea label="Description" rows={4} {...form.text('description')} />
    </FormDialog>
  );
}
