import { Button, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { endSnapshotExport, exportSnapshot, type Snapshot } from '../../api/snapshots.ts';
import { CopyText } from '../../components/copy-text.tsx';
import { useDialogs } from '../../components/dialogs.tsx';
import { DialogFrame, FormDialog } from '../../components/form-dialog.tsx';
import { nameOf } from '../../components/quantities.ts';
import { toastError, toastSuccess } from '../../components/toasts.ts';

/** A snapshot as a read-only disk over NBD. */
export function MountSnapshotDialog({ snapshot }: { snapshot: Snapshot }): ReactNode {
  const dialogs = useDialogs();
  return (
    <FormDialog
      title="Mount Snapshot"
      submitLabel="Mount"
      failure="Unable to make the snapshot readable."
      submit={async () => {
        const made = await exportSnapshot(snapshot.id, 'dashboard');
        const uri = made.uri ?? made.unix_uri ?? '';
        dialogs.open(<MountedSnapshot snapshot={snapshot} exportId={made.id} uri={uri} />);
      }}
    >
      <Text>
        “{nameOf(snapshot)}” becomes a read-only disk over the network for whoever knows its
        address, until you end it; nothing is copied.
      </Text>
    </FormDialog>
  );
}

interface MountedProps {
  readonly snapshot: Snapshot;
  readonly exportId: string;
  readonly uri: string;
}

function MountedSnapshot({ snapshot, exportId, uri }: MountedProps): ReactNode {
  const { close } = useDialogs();
  const end = useMutation({
    mutationFn: () => endSnapshotExport(snapshot.id, exportId),
    onSuccess: () => {
      close();
      toastSuccess(`"${nameOf(snapshot)}" is not readable over the network any more.`);
    },
    onError: (error) => toastError('The address could not be ended.', error),
  });
  const mount = [
    'modprobe nbd',
    `qemu-nbd --connect=/dev/nbd0 --read-only '${uri}'`,
    'mount -o ro /dev/nbd0 /mnt',
  ].join('\n');
  return (
    <DialogFrame title={`Mounted: ${nameOf(snapshot)}`} isWide>
      <Text mb="md">
        Whoever knows this address can read the snapshot. It is listed on the snapshot’s page.
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
