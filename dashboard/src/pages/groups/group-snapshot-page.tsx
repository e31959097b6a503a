import { List } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { groupSnapshotQuery } from '../../api/groups.ts';
import { snapshotChoicesQuery } from '../../api/snapshots.ts';
import { Facts, PageLink } from '../../components/facts.tsx';
import { useNavigateTo } from '../../components/navigate.ts';
import { usePathId } from '../../components/path-id.ts';
import { nameOf, timeText } from '../../components/quantities.ts';
import { Status } from '../../components/status.tsx';
import { useGroupSnapshotActions } from './group-snapshot-actions.tsx';
import { DetailPage } from '../../components/detail-page.tsx';

const path = [
  { label: 'Project' },
  { label: 'Volumes' },
  { label: 'Group Snapshots', href: '/project/vg_snapshots' },
];

export function Page(): ReactNode {
  const id = usePathId();
  const goTo = useNavigateTo();
  const query = useQuery(groupSnapshotQuery(id));
  const { data: members = [] } = useQuery(snapshotChoicesQuery({ group_snapshot_id: id }));
  const actions = useGroupSnapshotActions({ afterDelete: () => goTo('/project/vg_snapshots') });
  return (
    <DetailPage query={query} path={path} actions={actions}>
      {(snapshot) => (
        <>
          <div className="columns">
            <div className="panel">
              <Facts
                facts={{
                  Name: snapshot.name,
                  ID: snapshot.id,
                  Description: snapshot.description,
                  Status: <Status status={snapshot.status} />,
                  Group: (
                    <PageLink to={`/project/volume_groups/${snapshot.group_id}`}>
                      {snapshot.group_id}
                    </PageLink>
                  ),
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
      )}
    </DetailPage>
  );
}
