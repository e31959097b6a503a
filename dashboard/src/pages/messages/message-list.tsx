import { Button, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { deleteMessage, messagesQuery } from '../../api/installation.ts';
import { timeText } from '../../components/quantities.ts';
import { LoadProblem } from '../../components/resource-table.tsx';
import { toastError } from '../../components/toasts.ts';

/** What went wrong with one resource, or, without `where`, in the project. */
export function MessageList(props: {
  readonly where: Readonly<Record<string, string>>;
  readonly hasResource?: boolean;
}): ReactNode {
  const { data: messages, error } = useQuery(messagesQuery(props.where));
  if (error !== null) return <LoadProblem error={error} />;
  if (messages === undefined) return null;
  if (messages.length === 0) {
    return (
      <Text c="dimmed" py="md">
        No items to display. What goes wrong in the background is told here.
      </Text>
    );
  }
  return (
    <Table className="resources" aria-label="Messages">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>ID</Table.Th>
          <Table.Th>Message Level</Table.Th>
          <Table.Th>Event Id</Table.Th>
          {props.hasResource === true && <Table.Th>Resource</Table.Th>}
          <Table.Th>User Message</Table.Th>
          <Table.Th>Created At</Table.Th>
          <Table.Th>Guaranteed Until</Table.Th>
          <Table.Th className="actions">Actions</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {messages.map((message) => (
          <Table.Tr key={message.id}>
            <Table.Td data-label="ID" className="any-break">
              {message.id}
            </Table.Td>
            <Table.Td data-label="Message Level">{message.message_level}</Table.Td>
            <Table.Td data-label="Event Id">{message.event_id}</Table.Td>
            {props.hasResource === true && (
              <Table.Td data-label="Resource" className="any-break">
                <ResourceLink type={message.resource_type} id={message.resource_uuid} />
              </Table.Td>
            )}
            <Table.Td data-label="User Message" className="any-break">
              {message.user_message}
            </Table.Td>
            <Table.Td data-label="Created At">{timeText(message.created_at)}</Table.Td>
            <Table.Td data-label="Guaranteed Until">{timeText(message.guaranteed_until)}</Table.Td>
            <Table.Td className="actions">
              <Button
                size="xs"
                variant="default"
                aria-label={`Dismiss message ${message.id}`}
                onClick={() => void dismiss(message.id)}
              >
                Dismiss
              </Button>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

async function dismiss(id: string): Promise<void> {
  try {
    await deleteMessage(id);
  } catch (error) {
    toastError('Unable to dismiss the message.', error);
  }
}

const folders: Readonly<Record<string, string>> = {
  VOLUME: 'volumes',
  VOLUME_SNAPSHOT: 'snapshots',
  VOLUME_BACKUP: 'backups',
};

export function ResourceLink(props: {
  readonly type: string | null;
  readonly id: string | null;
}): ReactNode {
  const { type, id } = props;
  if (id === null) return '-';
  const folder = folders[type?.toUpperCase() ?? ''];
  return folder === undefined ? id : <a href={`/project/${folder}/${id}`}>{id}</a>;
}
