import { Button, Table, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import {
  removeExtraSpec,
  setExtraSpec,
  type VolumeType,
  everyTypeQuery,
} from '../../api/installation.ts';
import { nameProblem, useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { toastError } from '../../components/toasts.ts';

export function ExtraSpecsDialog({ type }: { type: VolumeType }): ReactNode {
  const { data: types = [] } = useQuery(everyTypeQuery);
  const current = types.find(({ id }) => id === type.id) ?? type;
  const specs = Object.entries(current.extra_specs ?? {});
  const form = useForm({ key: '', value: '' }, ({ key, value }) => ({
    key: nameProblem(key, { required: true }),
    value: nameProblem(value, { required: true }),
  }));
  const { mutate } = useMutation({
    mutationFn: (key: string) => removeExtraSpec(type.id, key),
    onError: (error) => toastError('Unable to remove the extra spec.', error),
  });
  return (
    <FormDialog
      title={`Extra Specs of ${type.name}`}
      submitLabel="Add"
      failure="Unable to add the extra spec."
      check={form.check}
      submit={async () => {
        await setExtraSpec(type.id, form.values.key, form.values.value);
        form.set({ key: '', value: '' });
      }}
    >
      {specs.length === 0 && <Text c="dimmed">None yet.</Text>}
      <Table aria-label="Extra Specs">
        <Table.Tbody>
          {specs.map(([key, value]) => (
            <Table.Tr key={key}>
              <Table.Td className="any-break">{key}</Table.Td>
              <Table.Td className="any-break">{value}</Table.Td>
              <Table.Td>
                <Button
                  size="compact-sm"
                  color="red"
                  aria-label={`Remove ${key}`}
                  onClick={() => mutate(key)}
                >
                  Remove
                </Button>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <TextInput label="Key" required data-autofocus {...form.text('key')} />
      <TextInput label="Value" required {...form.text('value')} />
    </FormDialog>
  );
}
