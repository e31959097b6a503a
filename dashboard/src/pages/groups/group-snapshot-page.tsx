import { List } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { groupSnapshotQuery } from '../../api/groups.ts';
import { snapshotChoicesQuery } from '../../api/snapshots.ts';
import { Facts, PageLink } from '../../components/facts.tsx';
import { useNavigateTo } from '../../components/navigate.ts';
import { PageHeading } from '../../components/page-heading.tsx';
import { usePathId } from '../../components/path-id.ts';
import { nameOf, timeText } from '../../components/quantities.ts';
import { LoadProblem } from '../../components/resource-table.tsx';
import { RowActions } from '../../components/row-actions.tsx';
import { Status } from '../../components/status.tsx';
import { useGroupSnapshotActions } from './group-snapshot-actions.tsx';

export function Page(): ReactNode {
  const id = usePathId();
  const goTo = useNavigateTo();
  const { data: snapshot, error } = useQuery(groupSnapshotQuery(id));
  const { data: members = [] } = useQuery(snapshotChoicesQuery({ group_snapshot_id: id }));
  const actions = useGroupSnapshotActions({ afterDelete: () => goTo('/project/vg_snapshots') });
  if (error !== null) return <LoadProblem error={error} />;
  if (snapshot === undefined) return null;
  const { group_id: groupId } = snapshot;
  return (
    <>
      <PageHeading
        title={nameOf(snapshot)}
        path={[
          { label: 'Project' },
          { label: 'Volumes' },
          { label: 'Group Snapshots', href: '/project/vg_snapshots' },
        ]}
        aside={<RowActions row={snapshot} name={nameOf(snapshot)} actions={actions} />}
      />
      <div className="columns">
        <div className="panel">
          <Facts
            facts={{
              Name: snapshot.name,
              ID: snapshot.id,
              Description: snapshot.description,
              Status: <Status status={snapshot.status} />,
              Group: <PageLink to={`/project/volume_groups/${groupId}`}>{groupId}</PageLink>,
              Created: timeText(snapshot.created_at),
            }}
          />
        </div>
        <div className="panel">
          <h2>Snapshots of its volumes</h2>
          <List>
            {members.map((member) => (
              <List.Item key={member.id}>
                <PageLink to={`/project/snapshots/${member.id}`}>{nameOf(member)}</PageLink> (
                {member.size} GiB)
              </List.Item>
            ))}
          </List>
        </div>
      </div>
    </>
  );
}
