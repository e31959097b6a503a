import { Button, Group, Table, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { type AuditEntry, auditQuery } from '../../api/firn.ts';
import { EmptyState } from '../../components/empty-state.tsx';
import { PageLink } from '../../components/facts.tsx';
import { useListState } from '../../components/list-state.ts';
import { PageHeading } from '../../components/page-heading.tsx';
import { timeText } from '../../components/quantities.ts';
import { LoadProblem } from '../../components/resource-table.tsx';

const pageCount = 50;
const applyAfterMs = 300;

/** Who asked for which change, newest first. */
export function Page(): ReactNode {
  const [markers, setMarkers] = useState<readonly string[]>([]);
  const { list, filterBy } = useListState();
  const [text, setText] = useState(list.filter ?? '');
  const apply = useDebouncedCallback(filterBy, applyAfterMs);
  const { data, error } = useQuery({
    ...auditQuery({
      limit: pageCount,
      marker: markers.at(-1),
      ...whereOf(list.filter),
    }),
    placeholderData: keepPreviousData,
  });
  const next = data?.next_marker;
  return (
    <>
      <PageHeading title="Audit" path={[{ label: 'Project' }]} />
      <TextInput
        className="filter"
        type="search"
        label="Action, or the ID of a resource or request"
        placeholder="volume.create"
        value={text}
        onChange={(event) => {
          setMarkers([]);
          setText(event.currentTarget.value);
          apply(event.currentTarget.value);
        }}
      />
      {error !== null && <LoadProblem error={error} />}
      {data?.audit.length === 0 && (
        <EmptyState
          hint={
            list.filter === undefined
              ? 'Whoever changes something leaves a line here.'
              : `Nothing is “${list.filter}”. Actions are written in full: backup.delete.`
          }
        />
      )}
      {data !== undefined && data.audit.length > 0 && <AuditTable entries={data.audit} />}
      <Group gap="xs" mt="sm">
        <Button
          variant="default"
          disabled={markers.length === 0}
          onClick={() => setMarkers((before) => before.slice(0, -1))}
        >
          ‹ Prev
        </Button>
        <Button
          variant="default"
          disabled={next === undefined}
          onClick={() => next !== undefined && setMarkers((before) => [...before, next])}
        >
          Next ›
        </Button>
      </Group>
    </>
  );
}

/** What was typed is an action, unless it looks like an id. */
function whereOf(text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined) return {};
  if (text.startsWith('req-')) return { request_id: text };
  return /^[0-9a-f-]{32,36}$/.test(text) ? { resource_id: text } : { action: text };
}

const folders: Readonly<Record<string, string>> = {
  volume: 'volumes',
  snapshot: 'snapshots',
  backup: 'backups',
  plan: 'plans',
  group: 'volume_groups',
};

/** The noun of an action leads to the page of its resource. */
function Resource({ entry: { action, resource_id: id } }: { entry: AuditEntry }): ReactNode {
  if (id === null) return '-';
  const folder = folders[action.split('.')[0] ?? ''];
  return folder === undefined ? id : <PageLink to={`/project/${folder}/${id}`}>{id}</PageLink>;
}

function AuditTable({ entries }: { entries: readonly AuditEntry[] }): ReactNode {
  return (
    <Table className="resources" aria-label="Audit" mt="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>When</Table.Th>
          <Table.Th>User</Table.Th>
          <Table.Th>Action</Table.Th>
          <Table.Th>Resource</Table.Th>
          <Table.Th>Outcome</Table.Th>
          <Table.Th>From</Table.Th>
          <Table.Th>Request</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {entries.map((entry) => (
          <Table.Tr key={entry.id}>
            <Table.Td data-label="When">{timeText(entry.created_at)}</Table.Td>
            <Table.Td data-label="User">{entry.user_name ?? '-'}</Table.Td>
            <Table.Td data-label="Action">{entry.action}</Table.Td>
            <Table.Td data-label="Resource" className="any-break">
              <Resource entry={entry} />
            </Table.Td>
            <Table.Td data-label="Outcome">
              {entry.status_code < 400 ? 'Done' : 'Refused'} ({entry.status_code})
            </Table.Td>
            <Table.Td data-label="From">{entry.address ?? '-'}</Table.Td>
            <Table.Td data-label="Request" className="any-break">
              {entry.request_id}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
