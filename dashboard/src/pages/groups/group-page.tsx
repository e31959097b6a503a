import { List } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { groupQuery, groupTypesQuery } from '../../api/groups.ts';
import { volumeTypesQuery } from '../../api/installation.ts';
import { volumeNamesQuery } from '../../api/volumes.ts';
import { Facts, PageLink } from '../../components/facts.tsx';
import { useNavigateTo } from '../../components/navigate.ts';
import { usePathId } from '../../components/path-id.ts';
import { timeText } from '../../components/quantities.ts';
import { Status } from '../../components/status.tsx';
import { useGroupActions } from './group-actions.tsx';
import { DetailPage } from '../../components/detail-page.tsx';

const path = [
  { label: 'Project' },
  { label: 'Volumes' },
  { label: 'Groups', href: '/project/volume_groups' },
];

export function Page(): ReactNode {
  const goTo = useNavigateTo();
  const query = useQuery(groupQuery(usePathId()));
  const { data: groupTypes = [] } = useQuery(groupTypesQuery);
  const { data: volumeTypes = [] } = useQuery(volumeTypesQuery);
  const { data: names } = useQuery(volumeNamesQuery);
  const actions = useGroupActions({ afterDelete: () => goTo('/project/volume_groups') });
  const typeName = (id: string): string => volumeTypes.find((type) => type.id === id)?.name ?? id;
  return (
    <DetailPage query={query} path={path} actions={actions}>
      {(group) => (
        <>
          <div className="columns">
            <div className="panel">
              <Facts
                facts={{
                  Name: group.name,
                  ID: group.id,
                  Description: group.description,
                  Status: <Status status={group.status} />,
                  'Group Type':
                    groupTypes.find((type) => type.id === group.group_type)?.name ??
                    group.group_type,
                  'Volume Types': group.volume_types.map(typeName).join(', '),
                  'Availability Zone': group.availability_zone,
                  Created: timeText(group.created_at),
                }}
              />
            </div>
            <div className="panel">
              <h2>Volumes</h2>
              {(group.volumes ?? []).length === 0 && (
                <p>None yet. “Manage Volumes” adds those of its types.</p>
              )}
              <List>
                {group.volumes?.map((id) => (
                  <List.Item key={id}>
                    <PageLink to={`/project/volumes/${id}`}>{names?.get(id) ?? id}</PageLink>
                  </List.Item>
                ))}
              </List>
            </div>
          </div>
        </>
      )}
    </DetailPage>
  );
}
