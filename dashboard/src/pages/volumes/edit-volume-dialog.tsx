import { Checkbox, Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { setBootable, updateVolume, type Volume } from '../../api/volumes.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { nameProblem, useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { toastUndo } from '../../components/undo-toast.tsx';

export function EditVolumeDialog({ volume }: { volume: Volume }): ReactNode {
  const { close } = useDialogs();
  const wasBootable = volume.bootable === 'true';
  const form = useForm(
    {
      name: volume.name ?? '',
      description: volume.description ?? '',
      bootable: wasBootable,
    },
    ({ name, description }) => ({
      name: nameProblem(name, { required: false }),
      description: nameProblem(description, { required: false }),
    }),
  );
  const submit = async (): Promise<void> => {
    const { name, description, bootable } = form.values;
    await updateVolume(volume.id, { name, description });
    if (bootable !== wasBootable) await setBootable(volume.id, bootable);
    close();
    toastUndo(`Updating volume "${name}"`, async () => {
      const before = { name: volume.name ?? '', description: volume.description ?? '' };
      await updateVolume(volume.id, before);
      if (bootable !== wasBootable) await setBootable(volume.id, wasBootable);
    });
  };
  return (
    <FormDialog
      title="Edit Volume"
      submitLabel="Submit"
      failure="Unable to update volume."
      check={form.check}
      submit={submit}
      help={<p>Modify the name, the description and the “bootable” mark of a volume.</p>}
    >
      <TextInput label="Volume Name" data-autofocus {...form.text('name')} />
      <Textarea label="Description" rows={4} {...form.text('description')} />
      <Checkbox
        label="Bootable"
        description="Specifies that the volume can be used to launch an instance"
        {...form.box('bootable')}
      />
    </FormDialog>
  );
}
