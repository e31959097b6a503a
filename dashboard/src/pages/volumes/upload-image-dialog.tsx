import { Alert, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { uploadToImage, type Volume } from '../../api/volumes.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { nameProblem, useForm } from '../../components/form.ts';
import { FormDialog } from '../../components/form-dialog.tsx';
import { nameOf } from '../../components/quantities.ts';
import { toastInfo } from '../../components/toasts.ts';

/** An image that new volumes begin with what this one holds. */
export function UploadImageDialog({ volume }: { volume: Volume }): ReactNode {
  const { close } = useDialogs();
  const isInUse = volume.status === 'in-use';
  const form = useForm({ name: '' }, ({ name }) => ({
    name: nameProblem(name, { required: true }),
  }));
  return (
    <FormDialog
      title="Upload Volume to Image"
      submitLabel="Upload"
      failure="Unable to upload volume to image."
      check={form.check}
      submit={async () => {
        const { name } = form.values;
        await uploadToImage(volume.id, { name, force: isInUse });
        close();
        toastInfo(`Successfully sent the request to upload volume to image "${name}"`);
      }}
      help={
        <p>
          An image is what new volumes begin with. It is no backup: nothing makes it again, and
          nothing proves it. “Create Backup” keeps “{nameOf(volume)}” safe.
        </p>
      }
    >
      <TextInput label="Volume Name" value={nameOf(volume)} readOnly />
      <TextInput label="Image Name" required data-autofocus {...form.text('name')} />
      <TextInput label="Disk Format" value="Raw" readOnly />
      {isInUse && (
        <Alert color="yellow" title="The volume is in use">
          The image holds what the disk holds at one instant, like a disk after a power cut.
        </Alert>
      )}
    </FormDialog>
  );
}
