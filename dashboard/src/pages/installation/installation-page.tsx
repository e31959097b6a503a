import { Table, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Repository } from '../../../../src/client/firn-schema.ts';
import { repositoriesQuery } from '../../api/firn.ts';
import { serviceStatesQuery } from '../../api/installation.ts';
import { PageHeading } from '../../components/page-heading.tsx';
import { bytesText, timeText } from '../../components/quantities.ts';
import { LoadProblem } from '../../components/resource-table.tsx';
import { RowActions } from '../../components/row-actions.tsx';
import { useServiceActions } from './service-actions.tsx';

export function Page(): ReactNode {
  const { data: states = [], error } = useQuery(serviceStatesQuery);
  const actions = useServiceActions();
  return (
    <>
      <PageHeading title="System Information" path={[{ label: 'Admin' }]} />
      {error !== null && <LoadProblem error={error} />}
      <Title order={2} size="h4">
        Block Storage Services
      </Title>
      <Table className="resources" aria-label="Block Storage Services" mb="lg">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>Host</Table.Th>
            <Table.Th>Zone</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th>Last Updated</Table.Th>
            <Table.Th className="actions">Actions</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {states.map((each) => (
            <Table.Tr key={`${each.binary} ${each.host}`}>
              <Table.Td data-label="Name">{each.binary}</Table.Td>
              <Table.Td data-label="Host">{each.host}</Table.Td>
              <Table.Td data-label="Zone">{each.zone}</Table.Td>
              <Table.Td data-label="Status">
                {each.status === 'enabled' ? 'Enabled' : 'Disabled'}
                {each.disabled_reason ? `: ${each.disabled_reason}` : ''}
              </Table.Td>
              <Table.Td data-label="State">{each.state === 'up' ? 'Up' : 'Down'}</Table.Td>
              <Table.Td data-label="Last Updated">{timeText(each.updated_at)}</Table.Td>
              <Table.Td className="actions">
                <RowActions row={each} name={each.binary} actions={actions} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Repositories />
    </>
  );
}

function Repositories(): ReactNode {
  const { data: repositories = [] } = useQuery(repositoriesQuery);
  return (
    <>
      <Title order={2} size="h4">
        Repositories of Backups
      </Title>
      <Table className="resources" aria-label="Repositories of Backups">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Container</Table.Th>
            <Table.Th>Backups</Table.Th>
            <Table.Th>Stored</Table.Th>
            <Table.Th>Last Prune</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {repositories.map((each) => (
            <Table.Tr key={each.container}>
              <Table.Td data-label="Container">{each.container}</Table.Td>
              <Table.Td data-label="Backups">{each.backup_count}</Table.Td>
              <Table.Td data-label="Stored">{bytesText(each.bytes_stored)}</Table.Td>
              <Table.Td data-label="Last Prune" className="any-break">
                {pruneText(each.last_prune)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </>
  );
}

/** How the space of deleted backups was last given back, and what stood in the way. */
function pruneText(job: Repository['last_prune']): string {
  if (job === undefined || job === null) return '-';
  if (job.state === 'failed') return `Failed: ${job.error ?? 'look into the log of the server'}`;
  const { waits_for: what } = job;
  if (what !== undefined && what !== null) return `Waits for ${what}`;
  return job.state === 'done' ? 'Done' : 'Running';
}
