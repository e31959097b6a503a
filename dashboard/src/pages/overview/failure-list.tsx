import { List, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Message, messagesQuery } from '../../api/installation.ts';
import type { Protection } from '../../api/protection.ts';
import { PageLink } from '../../components/facts.tsx';
import { nameOf, timeText } from '../../components/quantities.ts';
import { ResourceLink } from '../messages/message-list.tsx';

const shownMax = 5;

/** What failed, and what to do: volumes whose protection fails, then the newest messages. */
export function FailureList({ volumes }: { volumes: readonly Protection[] }): ReactNode {
  const { data: messages = [] } = useQuery(messagesQuery({ limit: '100' }));
  const failing = volumes.filter(({ shield }) => shield === 'failing');
  return (
    <section className="panel" aria-label="What failed, and what to do">
      <Title order={2} size="h4">
        What failed, and what to do
      </Title>
      {failing.length + messages.length === 0 && (
        <Text c="dimmed">Nothing failed, and nothing has to be done.</Text>
      )}
      {failing.length > 0 && (
        <List size="sm" spacing="xs" mb="sm">
          {failing.slice(0, shownMax).map((volume) => (
            <FailingVolume key={volume.volume_id} volume={volume} />
          ))}
          {failing.length > shownMax && <List.Item>and {failing.length - shownMax} more</List.Item>}
        </List>
      )}
      {messages.length > 0 && (
        <List size="sm" spacing="xs">
          {messages.slice(0, shownMax).map((message) => (
            <FailureMessage key={message.id} message={message} />
          ))}
        </List>
      )}
      {messages.length > shownMax && <a href="/project/messages">All messages</a>}
    </section>
  );
}

function FailingVolume({ volume }: { volume: Protection }): ReactNode {
  const { volume_id: id, name, reason } = volume;
  return (
    <List.Item>
      <PageLink to={`/project/volumes/${id}`}>{nameOf({ id, name })}</PageLink>: {reason}
      <Text size="sm" c="dimmed" component="div">
        {adviceOn(volume)}
      </Text>
    </List.Item>
  );
}

/** What helps against the cause, which the sentence above has named. */
function adviceOn({ volume_id: id, status, plans }: Protection): ReactNode {
  if (status === 'error') {
    const path = `/project/volumes/${id}?tab=messages`;
    return (
      <>
        <a href={path}>Its messages</a> say why; restore a backup into a new volume.
      </>
    );
  }
  const failing = plans.find(({ state }) => state === 'failing');
  if (failing !== undefined) {
    const path = `/project/plans/${failing.plan_id ?? ''}`;
    return (
      <>
        Mend the cause, then “Run Now” on <a href={path}>plan {failing.plan}</a>.
      </>
    );
  }
  if (plans.some(({ state }) => state === 'unknown_plan')) {
    return (
      <>
        Make a <a href="/project/plans">plan</a> of that name, or correct its metadata firn:plan.
      </>
    );
  }
  return '“Create Backup” on its page makes a new one at once.';
}

function FailureMessage({ message }: { message: Message }): ReactNode {
  return (
    <List.Item>
      <span className="any-break">{message.user_message}</span>
      <Text size="xs" c="dimmed" component="div">
        {timeText(message.created_at)},{' '}
        <ResourceLink type={message.resource_type} id={message.resource_uuid} />
      </Text>
    </List.Item>
  );
}
