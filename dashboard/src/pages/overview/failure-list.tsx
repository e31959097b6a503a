import { List, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { messagesQuery } from '../../api/installation.ts';
import { timeText } from '../../components/quantities.ts';
import { ResourceLink } from '../messages/message-list.tsx';

const shownMax = 6;

/** What failed, in the words that say what to do about it. */
export function FailureList(): ReactNode {
  const { data: messages = [] } = useQuery(messagesQuery({}));
  return (
    <section className="panel" aria-label="What failed">
      <Title order={2} size="h4">
        What failed
      </Title>
      {messages.length === 0 ? (
        <Text c="dimmed">Nothing that is still remembered.</Text>
      ) : (
        <List size="sm" spacing="xs">
          {messages.slice(0, shownMax).map((message) => (
            <List.Item key={message.id}>
              <span className="any-break">{message.user_message}</span>
              <Text size="xs" c="dimmed" component="div">
                {timeText(message.created_at)},{' '}
                <ResourceLink type={message.resource_type} id={message.resource_uuid} />
              </Text>
            </List.Item>
          ))}
        </List>
      )}
      {messages.length > shownMax && <a href="/project/messages">All messages</a>}
    </section>
  );
}
