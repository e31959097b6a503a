import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { limitsQuery } from '../../api/installation.ts';
import { extendVolume, type Volume } from '../../api/volumes.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { useForm, wholeProblem } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { LimitBars } from '../../components/limit-bars.tsx';
import { nameOf } from '../../components/quantities.ts';
import { toastInfo } from '../../components/toasts.ts';
import { roomProblem } from './volume-room.ts';

export function ExtendVolumeDialog({ volume }: { volume: Volume }): ReactNode {
  const { close } = useDialogs();
  const { data: limits } = useQuery(limitsQuery);
  const form = useForm({ newSize: String(volume.size + 1) }, ({ newSize }) => {
    const problem = wholeProblem(newSize);
    if (problem !== undefined) return { newSize: problem };
    if (Number(newSize) <= volume.size) {
      return { newSize: 'New size must be greater than current size.' };
    }
    return { newSize: roomProblem(limits, Number(newSize) - volume.size, newSize) };
  });
  const added = Math.max(0, Number(form.values.newSize) - volume.size);
  const name = nameOf(volume);
  return (
    <FormDialog
      title="Extend Volume"
      submitLabel="Extend Volume"
      failure="Unable to extend volume."
      check={form.check}
      submit={async () => {
        await extendVolume(volume.id, Number(form.values.newSize));
        close();
        toastInfo(`Extending volume: "${name}"`);
      }}
      help={
        <>
          <p>Extend the size of a volume. A volume never shrinks.</p>
          {volume.status === 'in-use' && (
            <p>It is in use: whoever uses it sees the new size, some after they connect again.</p>
          )}
          {limits !== undefined && (
            <LimitBars
              title="Volume Limits"
              bars={[
                {
                  label: 'Total Gibibytes',
                  used: limits.totalGigabytesUsed,
                  added: Number.isFinite(added) ? added : 0,
                  max: limits.maxTotalVolumeGigabytes,
                  unit: ' GiB',
                },
              ]}
            />
          )}
        </>
      }
    >
      <TextInput label="Volume Name" value={name} readOnly />
      <TextInput label="Current Size (GiB)" value={String(volume.size)} readOnly />
      <TextInput
        label="New Size (GiB)"
        type="number"
        min={volume.size + 1}
        required
        data-autofocus
        {...form.text('newSize')}
      />
    </FormDialog>
  );
}
