import { Button, Group, Table, Text, Title } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { attachVolume, detachVolume, showAttachment } from '../../api/attachments.ts';
import { type Volume, volumeConnectionsQuery } from '../../api/volumes.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { FormDialog } from '../../components/form-dialog.tsx';
import { nameOf } from '../../components/quantities.ts';
import { toastError, toastSuccess } from '../../components/toasts.ts';
import { ConnectionCommands } from './connection-commands.tsx';

/** Who uses the volume, and how to use it from elsewhere. */
export function ConnectPanel({ volume }: { volume: Volume }): ReactNode {
  const { data: connections = [] } = useQuery(volumeConnectionsQuery(volume.id));
  const [shown, setShown] = useState<{ id: string; uri: string }>();
  const show = useMutation({
    mutationFn: async (id: string) => {
      const { connection_info: info } = await showAttachment(id);
      setShown({ id, uri: info.uri ?? info.unix_uri ?? '' });
    },
    onError: (error) => toastError('The address could not be shown.', error),
  });
  const attach = useMutation({
    mutationFn: () => attachVolume(volume.id, 'dashboard'),
    onSuccess: ({ id }) => show.mutate(id),
    onError: (error) => toastError('The volume could not be connected.', error),
  });
  const isFree = volume.status === 'available' || volume.multiattach;
  return (
    <>
      <Text mb="md">
        A guest, or any program that speaks NBD, uses the volume at a secret address; whoever knows
        it can read and write.
      </Text>
      {connections.length > 0 && (
        <Table className="resources" aria-label="Attachments">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Attached To</Table.Th>
              <Table.Th>Status</Table.Th>
              <Table.Th>Mode</Table.Th>
              <Table.Th>Connections</Table.Th>
              <Table.Th>Actions</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {connections.map((each) => (
              <Table.Tr key={each.id}>
                <Table.Td data-label="Attached To">{each.instance ?? each.host ?? '-'}</Table.Td>
                <Table.Td data-label="Status">{each.status}</Table.Td>
                <Table.Td data-label="Mode">{each.mode}</Table.Td>
                <Table.Td data-label="Connections">{each.connections}</Table.Td>
                <Table.Td>
                  <Group gap="xs" wrap="nowrap">
                    <Button size="xs" variant="default" onClick={() => show.mutate(each.id)}>
                      Show Address
                    </Button>
                    <DetachButton volume={volume} attachmentId={each.id} count={each.connections} />
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {isFree && (
        <Button mt="md" loading={attach.isPending} onClick={() => attach.mutate()}>
          Connect
        </Button>
      )}
      {shown !== undefined && connections.some(({ id }) => id === shown.id) && (
        <section className="panel panel-below">
          <Title order={2} size="h4">
            Use it
          </Title>
          <ConnectionCommands volume={volume} uri={shown.uri} />
        </section>
      )}
    </>
  );
}

interface DetachButtonProps {
  readonly volume: Volume;
  readonly attachmentId: string;
  readonly count: number;
}

function DetachButton({ volume, attachmentId, count }: DetachButtonProps): ReactNode {
  const dialogs = useDialogs();
  const name = nameOf(volume);
  const dialog = (
    <FormDialog
      title="Confirm Detach Volume"
      submitLabel="Detach Volume"
      isDangerous
      failure="Unable to detach volume."
      submit={async () => {
        await detachVolume(attachmentId);
        dialogs.close();
        toastSuccess(`"${name}" is detached.`);
      }}
    >
      <Text>
        The address of “{name}” is void from then on.{' '}
        {count > 0 && (
          <b>
            {count} connection{count === 1 ? ' is' : 's are'} cut; unmount in the guest first.
          </b>
        )}
      </Text>
    </FormDialog>
  );
  return (
    <Button size="xs" color="red" onClick={() => dialogs.open(dialog)}>
      Detach
    </Button>
  );
}
