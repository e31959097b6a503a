import { NativeSelect, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { volumeTypesQuery } from '../../api/installation.ts';
import { retypeVolume, type Volume } from '../../api/volumes.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { nameOf } from '../../components/quantities.ts';
import { toastInfo } from '../../components/toasts.ts';

export function ChangeTypeDialog({ volume }: { volume: Volume }): ReactNode {
  const { close } = useDialogs();
  const { data: types = [] } = useQuery(volumeTypesQuery);
  const current = volume.volume_type ?? '';
  const form = useForm({ type: current, policy: 'never' }, ({ type }) => ({
    type: type === current ? 'Choose another type than the current one.' : undefined,
  }));
  const name = nameOf(volume);
  const submit = async (): Promise<void> => {
    const policy = form.values.policy === 'on-demand' ? 'on-demand' : 'never';
    await retypeVolume(volume.id, form.values.type, policy);
    close();
    toastInfo(`Successfully sent the request to change the volume type of "${name}"`);
  };
  return (
    <FormDialog
      title="Change Volume Type"
      submitLabel="Change Volume Type"
      failure="Unable to change volume type."
      check={form.check}
      submit={submit}
      help={
        <>
          <p>The type decides the qualities of a volume. Its data stays where it is.</p>
          <p>
            <b>Migration Policy</b>: “On Demand” lets the data be moved to another back end when the
            type demands it; with “Never” such a change is refused.
          </p>
        </>
      }
    >
      <TextInput label="Volume Name" value={name} readOnly />
      <NativeSelect
        label="Type"
        required
        data={types.map((type) => ({
          value: type.name,
          label: type.name === current ? `${type.name} (current)` : type.name,
        }))}
        {...form.choice('type')}
      />
      <NativeSelect
        label="Migration Policy"
        data={[
          { value: 'never', label: 'Never' },
          { value: 'on-demand', label: 'On Demand' },
        ]}
        {...form.choice('policy')}
      />
    </FormDialog>
  );
}
