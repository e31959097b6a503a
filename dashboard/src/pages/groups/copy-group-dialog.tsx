import { Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { createGroupFrom } from '../../api/groups.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { nameProblem, useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { useNavigateTo } from '../../components/navigate.ts';
import { toastInfo } from '../../components/toasts.ts';

interface CopySource {
  readonly kind: 'group' | 'snapshot';
  readonly id: string;
  readonly name: string;
}

/** A new group with new volumes that hold what a group, or its snapshot, holds. */
export function CopyGroupDialog({ source }: { source: CopySource }): ReactNode {
  const { close } = useDialogs();
  const goTo = useNavigateTo();
  const form = useForm({ name: '', description: '' }, ({ name, description }) => ({
    name: nameProblem(name, { required: true }),
    description: nameProblem(description, { required: false }),
  }));
  const isClone = source.kind === 'group';
  const field = isClone ? 'source_group_id' : 'group_snapshot_id';
  return (
    <FormDialog
      title={isClone ? 'Clone Group' : 'Create Group from Snapshot'}
      submitLabel={isClone ? 'Clone Group' : 'Create Group'}
      failure="Unable to create group."
      check={form.check}
      submit={async () => {
        await createGroupFrom({ ...form.values, [field]: source.id });
        close();
        toastInfo(`Creating group "${form.values.name}".`);
        goTo('/project/volume_groups');
      }}
      help={<p>New volumes that hold what those of “{source.name}” hold. No data is copied.</p>}
    >
      <TextInput label="Group Name" required data-autofocus {...form.text('name')} />
      <Textarea label="Description" rows={4} {...form.text('description')} />
    </FormDialog>
  );
}
