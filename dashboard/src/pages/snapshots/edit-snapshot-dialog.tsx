import { Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { type Snapshot, updateSnapshot } from '../../api/snapshots.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { nameProblem, useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { toastUndo } from '../../components/undo-toast.tsx';

export function EditSnapshotDialog({ snapshot }: { snapshot: Snapshot }): ReactNode {
  const { close } = useDialogs();
  const given = { name: snapshot.name ?? '', description: snapshot.description ?? '' };
  const form = useForm(given, ({ name, description }) => ({
    name: nameProblem(name, { required: false }),
    description: nameProblem(description, { required: false }),
  }));
  return (
    <FormDialog
      title="Edit Snapshot"
      submitLabel="Save Changes"
      failure="Unable to update volume snapshot."
      check={form.check}
      submit={async () => {
        await updateSnapshot(snapshot.id, form.values);
        close();
        const before = { name: snapshot.name ?? '', description: snapshot.description ?? '' };
        toastUndo(`Updating volume snapshot "${form.values.name}"`, () =>
          updateSnapshot(snapshot.id, before),
        );
      }}
      help={<p>Modify the name and the description of a snapshot. Its data never changes.</p>}
    >
      <TextInput label="Snapshot Name" data-autofocus {...form.text('name')} />
      <Textarea label="Description" rows={4} {...form.text('description')} />
    </FormDialog>
  );
}
