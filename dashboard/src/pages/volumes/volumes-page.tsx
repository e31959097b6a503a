import { Button } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { groupChoicesQuery } from '../../api/groups.ts';
import { limitsQuery } from '../../api/installation.ts';
import { snapshottedQuery } from '../../api/snapshots.ts';
import { type Volume, volumesQuery } from '../../api/volumes.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { CutText, NameLink, PageLink } from '../../components/facts.tsx';
import { useListState } from '../../components/list-state.ts';
import { PageHeading } from '../../components/page-heading.tsx';
import { nameOf, yesNo } from '../../components/quantities.ts';
import { type Column, ResourceTable } from '../../components/resource-table.tsx';
import { RowStatus } from '../../components/status.tsx';
import { isPassing } from '../../components/statuses.ts';
import { AttachedTo } from './attached-to.tsx';
import { CreateVolumeDialog } from './create-volume-dialog.tsx';
import { AcceptTransferDialog } from './transfer-dialogs.tsx';
import { DeleteVolumes, useVolumeActions } from './volume-actions.tsx';
import { isAtVolumeQuota } from './volume-room.ts';

function columnsOf(groupName: (id: string) => string): readonly Column<Volume>[] {
  return [
    {
      label: 'Name',
      sortKey: 'name',
      render: (volume) => <NameLink folder="/project/volumes" row={volume} />,
    },
    { label: 'Description', render: ({ description }) => <CutText text={description} /> },
    { label: 'Size', sortKey: 'size', render: ({ size }) => `${size}GiB` },
    { label: 'Status', sortKey: 'status', render: ({ status }) => <RowStatus status={status} /> },
    {
      label: 'Group',
      render: ({ group_id: id }) =>
        id === null ? (
          '-'
        ) : (
          <PageLink to={`/project/volume_groups/${id}`}>{groupName(id)}</PageLink>
        ),
    },
    { label: 'Type', render: ({ volume_type: type }) => type ?? '-' },
    { label: 'Attached To', render: (volume) => <AttachedTo volume={volume} /> },
    {
      label: 'Availability Zone',
      sortKey: 'availability_zone',
      render: (volume) => volume.availability_zone,
    },
    {
      label: 'Bootable',
      sortKey: 'bootable',
      render: ({ bootable }) => yesNo(bootable === 'true'),
    },
    { label: 'Encrypted', render: ({ encrypted }) => yesNo(encrypted) },
  ];
}

export function Page(): ReactNode {
  const dialogs = useDialogs();
  const state = useListState();
  const query = useQuery({ ...volumesQuery(state.list), placeholderData: keepPreviousData });
  const { data: limits } = useQuery(limitsQuery);
  const { data: groups = [] } = useQuery(groupChoicesQuery);
  const { data: snapshotted } = useQuery(snapshottedQuery);
  const actions = useVolumeActions({ hasSnapshots: ({ id }) => snapshotted?.has(id) === true });
  const isFull = isAtVolumeQuota(limits);
  const create = (
    <Button disabled={isFull} onClick={() => dialogs.open(<CreateVolumeDialog />)}>
      {isFull ? 'Create Volume (Quota exceeded)' : 'Create Volume'}
    </Button>
  );
  const groupName = (id: string): string => groups.find((group) => group.id === id)?.name ?? id;
  return (
    <>
      <PageHeading title="Volumes" path={[{ label: 'Project' }, { label: 'Volumes' }]} />
      <ResourceTable
        caption="Volumes"
        query={query}
        state={state}
        columns={columnsOf(groupName)}
        nameOf={nameOf}
        isPassing={({ status }) => isPassing(status)}
        actions={actions}
        batch={{
          label: 'Delete Volumes',
          run: (volumes) => dialogs.open(<DeleteVolumes volumes={volumes} />),
        }}
        tools={
          <>
            {create}
            <Button variant="default" onClick={() => dialogs.open(<AcceptTransferDialog />)}>
              Accept Transfer
            </Button>
          </>
        }
        empty={{
          hint: 'Create a volume, then connect a guest to it; or restore one from a backup.',
          action: create,
        }}
      />
    </>
  );
}
