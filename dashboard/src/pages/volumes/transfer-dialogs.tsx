import { Alert, Button, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import {
  acceptTransfer,
  cancelTransfer,
  createTransfer,
  type Transfer,
  transfersQuery,
} from '../../api/transfers.ts';
import type { Volume } from '../../api/volumes.ts';
import { CopyText } from '../../components/copy-text.tsx';
import { useDialogs } from '../../components/dialogs.tsx';
import { nameProblem, useForm } from '../../components/form.ts';
import { DialogFrame, FormDialog } from '../../components/form-dialog.tsx';
import { nameOf } from '../../components/quantities.ts';
import { toastSuccess } from '../../components/toasts.ts';
import { downloadText } from '../api-access/credential-files.ts';

export function CreateTransferDialog({ volume }: { volume: Volume }): ReactNode {
  const dialogs = useDialogs();
  const form = useForm({ name: '' }, ({ name }) => ({
    name: nameProblem(name, { required: true }),
  }));
  const submit = async (): Promise<void> => {
    const transfer = await createTransfer(volume.id, form.values.name);
    dialogs.open(<TransferMade transfer={transfer} />);
  };
  return (
    <FormDialog
      title="Create Volume Transfer"
      submitLabel="Create Volume Transfer"
      failure="Unable to create volume transfer."
      check={form.check}
      submit={submit}
      help={
        <p>
          Ownership of “{nameOf(volume)}” goes to the project that accepts the transfer. Its members
          need the ID and the Authorization Key that you get next.
        </p>
      }
    >
      <TextInput label="Transfer Name" required data-autofocus {...form.text('name')} />
    </FormDialog>
  );
}

function TransferMade({ transfer }: { transfer: Transfer }): ReactNode {
  const { close } = useDialogs();
  const { id, name, auth_key: key = '' } = transfer;
  const text = `Transfer name: ${name ?? ''}\nTransfer ID: ${id}\nAuthorization Key: ${key}\n`;
  return (
    <DialogFrame title="Volume Transfer Details">
      <Alert color="yellow" mb="md">
        The Authorization Key is shown only now. Copy or download it.
      </Alert>
      <CopyText label="Transfer ID" text={id} />
      <CopyText label="Authorization Key" text={key} />
      <div className="dialog-buttons">
        <Button variant="default" onClick={() => downloadText(`transfer-${id}.txt`, text)}>
          Download transfer credentials
        </Button>
        <Button onClick={close}>Done</Button>
      </div>
    </DialogFrame>
  );
}

export function AcceptTransferDialog(): ReactNode {
  const { close } = useDialogs();
  const form = useForm({ id: '', key: '' }, ({ id, key }) => ({
    id: nameProblem(id, { required: true }),
    key: nameProblem(key, { required: true }),
  }));
  return (
    <FormDialog
      title="Accept Volume Transfer"
      submitLabel="Accept Volume Transfer"
      failure="Unable to accept volume transfer."
      check={form.check}
      submit={async () => {
        const transfer = await acceptTransfer(form.values.id.trim(), form.values.key.trim());
        close();
        toastSuccess(`Successfully accepted volume transfer: "${transfer.name ?? transfer.id}"`);
      }}
      help={<p>The volume becomes one of this project. The giver told you both values.</p>}
    >
      <TextInput label="Transfer ID" required data-autofocus {...form.text('id')} />
      <TextInput label="Authorization Key" required {...form.text('key')} />
    </FormDialog>
  );
}

export function CancelTransferDialog({ volume }: { volume: Volume }): ReactNode {
  const { close } = useDialogs();
  const { data: transfers } = useQuery(transfersQuery);
  const transfer = transfers?.find((each) => each.volume_id === volume.id);
  return (
    <FormDialog
      title="Cancel Transfer"
      submitLabel="Cancel Transfer"
      isDangerous
      isDisabled={transfer === undefined}
      failure="Unable to cancel volume transfer."
      submit={async () => {
        if (transfer !== undefined) await cancelTransfer(transfer.id);
        close();
        toastSuccess(`Transfer of "${nameOf(volume)}" cancelled.`);
      }}
    >
      <Text>
        The volume “{nameOf(volume)}” stays in this project, and the Authorization Key is void.
      </Text>
    </FormDialog>
  );
}
