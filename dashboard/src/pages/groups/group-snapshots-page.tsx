import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { groupChoicesQuery, type GroupSnapshot, groupSnapshotsQuery } from '../../api/groups.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { CutText, NameLink, PageLink } from '../../components/facts.tsx';
import { useListState } from '../../components/list-state.ts';
import { PageHeading } from '../../components/page-heading.tsx';
import { nameOf } from '../../components/quantities.ts';
import { type Column, ResourceTable } from '../../components/resource-table.tsx';
import { RowStatus } from '../../components/status.tsx';
import { isPassing } from '../../components/statuses.ts';
import { DeleteGroupSnapshots, useGroupSnapshotActions } from './group-snapshot-actions.tsx';

function columnsOf(groupName: (id: string) => string): readonly Column<GroupSnapshot>[] {
  return [
    {
      label: 'Name',
      sortKey: 'name',
      render: (snapshot) => <NameLink folder="/project/vg_snapshots" row={snapshot} />,
    },
    { label: 'Description', render: ({ description }) => <CutText text={description} /> },
    { label: 'Status', sortKey: 'status', render: ({ status }) => <RowStatus status={status} /> },
    {
      label: 'Group',
      render: ({ group_id: id }) => (
        <PageLink to={`/project/volume_groups/${id}`}>{groupName(id)}</PageLink>
      ),
    },
  ];
}

export function Page(): ReactNode {
  const dialogs = useDialogs();
  const state = useListState();
  const query = useQuery(groupSnapshotsQuery(state.list));
  const { data: groups = [] } = useQuery(groupChoicesQuery);
  const actions = useGroupSnapshotActions();
  return (
    <>
      <PageHeading title="Group Snapshots" path={[{ label: 'Project' }, { label: 'Volumes' }]} />
      <ResourceTable
        caption="Group Snapshots"
        query={query}
        state={state}
        columns={columnsOf((id) => groups.find((group) => group.id === id)?.name ?? id)}
        nameOf={nameOf}
        isPassing={({ status }) => isPassing(status)}
        actions={actions}
        batch={{
          label: 'Delete Group Snapshots',
          run: (snapshots) => dialogs.open(<DeleteGroupSnapshots snapshots={snapshots} />),
        }}
        empty={{
          hint: (
            <>
              Take one with “Create Snapshot” on a row of the{' '}
              <a href="/project/volume_groups">groups</a>.
            </>
          ),
        }}
      />
    </>
  );
}
