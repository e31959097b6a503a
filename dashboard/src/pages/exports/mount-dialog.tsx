import { Button, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { endExport, type Exported, startExport } from '../../api/exports.ts';
import { CopyText } from '../../components/copy-text.tsx';
import { useDialogs } from '../../components/dialogs.tsx';
import { DialogFrame, FormDialog } from '../../components/form-dialog.tsx';
import { toastError, toastSuccess } from '../../components/toasts.ts';

interface MountProps {
  readonly of: Exported;
  readonly name: string;
}

/** A snapshot or a backup as a read-only disk over NBD. */
export function MountDialog({ of, name }: MountProps): ReactNode {
  const dialogs = useDialogs();
  return (
    <FormDialog
      title={of.kind === 'snapshot' ? 'Mount Snapshot' : 'Mount Backup'}
      submitLabel="Mount"
      failure={`Unable to make the ${of.kind} readable.`}
      submit={async () => {
        const made = await startExport(of, 'dashboard');
        const uri = made.uri ?? made.unix_uri ?? '';
        dialogs.open(<Mounted of={of} name={name} exportId={made.id} uri={uri} />);
      }}
    >
      <Text>
        “{name}” becomes a read-only disk over the network for whoever knows its address, until you
        end it.{' '}
        {of.kind === 'snapshot'
          ? 'Nothing is copied.'
          : 'What is read of it is fetched from the backup; nothing is restored.'}
      </Text>
    </FormDialog>
  );
}

interface MountedProps extends MountProps {
  readonly exportId: string;
  readonly uri: string;
}

function Mounted({ of, name, exportId, uri }: MountedProps): ReactNode {
  const { close } = useDialogs();
  const end = useMutation({
    mutationFn: () => endExport(of, exportId),
    onSuccess: () => {
      close();
      toastSuccess(`"${name}" is not readable over the network any more.`);
    },
    onError: (error) => toastError('The address could not be ended.', error),
  });
  const mount = [
    'modprobe nbd',
    `qemu-nbd --connect=/dev/nbd0 --read-only '${uri}'`,
    'mount -o ro /dev/nbd0 /mnt',
  ].join('\n');
  return (
    <DialogFrame title={`Mounted: ${name}`} isWide>
      <Text mb="md">
        Whoever knows this address can read the {of.kind}. It is listed on the {of.kind}’s page.
      </Text>
      <CopyText label="NBD address" text={uri} />
      <CopyText label="Look at it" text={`nbdinfo '${uri}'`} />
      <CopyText label="Mount it (as root)" text={mount} />
      <CopyText label="Copy it to a file" text={`nbdcopy '${uri}' disk.raw`} />
      <div className="dialog-buttons">
        <Button color="red" loading={end.isPending} onClick={() => end.mutate()}>
          End it
        </Button>
        <Button variant="default" onClick={close}>
          Keep it
        </Button>
      </div>
    </DialogFrame>
  );
}
