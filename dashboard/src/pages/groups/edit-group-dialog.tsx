import { Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { type Group, updateGroup } from '../../api/groups.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { nameProblem, useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { toastInfo } from '../../components/toasts.ts';

export function EditGroupDialog({ group }: { group: Group }): ReactNode {
  const { close } = useDialogs();
  const given = { name: group.name ?? '', description: group.description ?? '' };
  const form = useForm(given, ({ name, description }) => ({
    name: nameProblem(name, { required: true }),
    description: nameProblem(description, { required: false }),
  }));
  return (
    <FormDialog
      title="Edit Group"
      submitLabel="Submit"
      failure="Unable to update group."
      check={form.check}
      submit={async () => {
        await updateGroup(group.id, form.values);
        close();
        toastInfo(`Updating volume group "${form.values.name}"`);
      }}
    >
      <TextInput label="Name" required data-autofocus {...form.text('name')} />
      <Textarea label="Description" rows={4} {...form.text('description')} />
    </FormDialog>
  );
}
