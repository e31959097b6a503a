import { Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { createGroupSnapshot, type Group } from '../../api/groups.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { nameProblem, useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { useNavigateTo } from '../../components/navigate.ts';
import { nameOf } from '../../components/quantities.ts';
import { toastInfo } from '../../components/toasts.ts';

export function SnapshotGroupDialog({ group }: { group: Group }): ReactNode {
  const { close } = useDialogs();
  const goTo = useNavigateTo();
  const form = useForm({ name: '', description: '' }, ({ name, description }) => ({
    name: nameProblem(name, { required: true }),
    description: nameProblem(description, { required: false }),
  }));
  return (
    <FormDialog
      title="Create Group Snapshot"
      submitLabel="Create Snapshot"
      failure="Unable to create group snapshot."
      check={form.check}
      submit={async () => {
        await createGroupSnapshot({ group_id: group.id, ...form.values });
        close();
        toastInfo(`Creating group snapshot "${form.values.name}".`);
        goTo('/project/vg_snapshots');
      }}
      help={<p>All volumes of “{nameOf(group)}” are snapshotted at one and the same instant.</p>}
    >
      <TextInput label="Snapshot Name" required data-autofocus {...form.text('name')} />
      <Textarea label="Description" rows={4} {...form.text('description')} />
    </FormDialog>
  );
}
