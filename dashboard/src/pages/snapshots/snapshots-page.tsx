import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Snapshot, snapshotsQuery } from '../../api/snapshots.ts';
import { volumeNamesQuery } from '../../api/volumes.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { CutText, NameLink, PageLink } from '../../components/facts.tsx';
import { useListState } from '../../components/list-state.ts';
import { PageHeading } from '../../components/page-heading.tsx';
import { nameOf } from '../../components/quantities.ts';
import { type Column, ResourceTable } from '../../components/resource-table.tsx';
import { RowStatus } from '../../components/status.tsx';
import { isPassing } from '../../components/statuses.ts';
import { DeleteSnapshots, useSnapshotActions } from './snapshot-actions.tsx';

export function snapshotColumns(volumeName: (id: string) => string): readonly Column<Snapshot>[] {
  return [
    {
      label: 'Name',
      sortKey: 'name',
      render: (snapshot) => <NameLink folder="/project/snapshots" row={snapshot} />,
    },
    { label: 'Description', render: ({ description }) => <CutText text={description} /> },
    { label: 'Size', render: ({ size }) => `${size}GiB` },
    { label: 'Status', sortKey: 'status', render: ({ status }) => <RowStatus status={status} /> },
    {
      label: 'Group Snapshot',
      render: ({ group_snapshot_id: id }) =>
        id === null ? '-' : <PageLink to={`/project/vg_snapshots/${id}`}>{id}</PageLink>,
    },
    {
      label: 'Volume Name',
      sortKey: 'volume_id',
      render: ({ volume_id: id }) => (
        <PageLink to={`/project/volumes/${id}`}>{volumeName(id)}</PageLink>
      ),
    },
  ];
}

export function Page(): ReactNode {
  const dialogs = useDialogs();
  const state = useListState();
  const query = useQuery({ ...snapshotsQuery(state.list), placeholderData: keepPreviousData });
  const { data: names } = useQuery(volumeNamesQuery);
  const actions = useSnapshotActions();
  return (
    <>
      <PageHeading title="Volume Snapshots" path={[{ label: 'Project' }, { label: 'Volumes' }]} />
      <ResourceTable
        caption="Volume Snapshots"
        query={query}
        state={state}
        columns={snapshotColumns((id) => names?.get(id) ?? id)}
        nameOf={nameOf}
        isPassing={({ status }) => isPassing(status)}
        actions={actions}
        batch={{
          label: 'Delete Volume Snapshots',
          run: (snapshots) => dialogs.open(<DeleteSnapshots snapshots={snapshots} />),
        }}
        empty={{
          hint: (
            <>
              A snapshot keeps what a volume holds at one instant. Take one with “Create Snapshot”
              on a row of the <a href="/project/volumes">volumes</a>.
            </>
          ),
        }}
      />
    </>
  );
}
