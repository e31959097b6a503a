import { Button, Group, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { catalogQuery } from '../../api/catalog.ts';
import { useSession } from '../../app/session-context.ts';
import { CopyText } from '../../components/copy-text.tsx';
import { PageHeading } from '../../components/page-heading.tsx';
import { cloudsText, downloadClouds, downloadOpenrc, openrcText } from './credential-files.ts';

export function Page(): ReactNode {
  const session = useSession();
  const { data: endpoints = [] } = useQuery(catalogQuery);
  return (
    <>
      <PageHeading
        title="API Access"
        path={[{ label: 'Project' }]}
        aside={
          <Group gap="xs">
            <Button onClick={() => downloadOpenrc(session)}>Download OpenStack RC File</Button>
            <Button variant="default" onClick={() => downloadClouds(session)}>
              Download clouds.yaml
            </Button>
          </Group>
        }
      />
      <Text mb="md">
        With one of these files the <code>openstack</code> client, and any other that speaks
        OpenStack’s APIs, works on this project. Your password is in neither.
      </Text>
      <Table className="resources" aria-label="API Endpoints">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Service</Table.Th>
            <Table.Th>Service Endpoint</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {endpoints.map(({ type, url }) => (
            <Table.Tr key={type}>
              <Table.Td data-label="Service">{type}</Table.Td>
              <Table.Td data-label="Service Endpoint" className="any-break">
                {url}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <div className="columns columns-below">
        <div className="panel">
          <CopyText label="OpenStack RC File" text={openrcText(session)} />
        </div>
        <div className="panel">
          <CopyText label="clouds.yaml" text={cloudsText(session)} />
        </div>
      </div>
    </>
  );
}
