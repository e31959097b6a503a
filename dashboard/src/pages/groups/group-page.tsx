import { List } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { groupQuery, groupTypesQuery } from '../../api/groups.ts';
import { volumeTypesQuery } from '../../api/installation.ts';
import { volumeNamesQuery } from '../../api/volumes.ts';
import { Facts, PageLink } from '../../components/facts.tsx';
import { useNavigateTo } from '../../components/navigate.ts';
import { PageHeading } from '../../components/page-heading.tsx';
import { usePathId } from '../../components/path-id.ts';
import { nameOf, timeText } from '../../components/quantities.ts';
import { LoadProblem } from '../../components/resource-table.tsx';
import { RowActions } from '../../components/row-actions.tsx';
import { Status } from '../../components/status.tsx';
import { useGroupActions } from './group-actions.tsx';

export function Page(): ReactNode {
  const goTo = useNavigateTo();
  const { data: group, error } = useQuery(groupQuery(usePathId()));
  const { data: groupTypes = [] } = useQuery(groupTypesQuery);
  const { data: volumeTypes = [] } = useQuery(volumeTypesQuery);
  const { data: names } = useQuery(volumeNamesQuery);
  const actions = useGroupActions({ afterDelete: () => goTo('/project/volume_groups') });
  if (error !== null) return <LoadProblem error={error} />;
  if (group === undefined) return null;
  const typeNames = group.volume_types.map(
    (id) => volumeTypes.find((type) => type.id === id)?.name ?? id,
  );
  return (
    <>
      <PageHeading
        title={nameOf(group)}
        path={[
          { label: 'Project' },
          { label: 'Volumes' },
          { label: 'Groups', href: '/project/volume_groups' },
        ]}
        aside={<RowActions row={group} name={nameOf(group)} actions={actions} />}
      />
      <div className="columns">
        <div className="panel">
          <Facts
            facts={{
              Name: group.name,
              ID: group.id,
              Description: group.description,
              Status: <Status status={group.status} />,
              'Group Type':
                groupTypes.find((type) => type.id === group.group_type)?.name ?? group.group_type,
              'Volume Types': typeNames.join(', '),
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
  );
}
