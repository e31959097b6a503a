import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Group, groupsQuery, groupTypesQuery } from '../../api/groups.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { CutText, NameLink } from '../../components/facts.tsx';
import { useListState } from '../../components/list-state.ts';
import { PageHeading } from '../../components/page-heading.tsx';
import { nameOf } from '../../components/quantities.ts';
import { type Column, ResourceTable } from '../../components/resource-table.tsx';
import { RowStatus } from '../../components/status.tsx';
import { isPassing } from '../../components/statuses.ts';
import { CreateGroupDialog } from './create-group-dialog.tsx';
import { useGroupActions } from './group-actions.tsx';

function columnsOf(typeName: (id: string) => string): readonly Column<Group>[] {
  return [
    {
      label: 'Name',
      sortKey: 'name',
      render: (group) => <NameLink folder="/project/volume_groups" row={group} />,
    },
    { label: 'Description', render: ({ description }) => <CutText text={description} /> },
    { label: 'Status', sortKey: 'status', render: ({ status }) => <RowStatus status={status} /> },
    { label: 'Availability Zone', render: (group) => group.availability_zone },
    { label: 'Group Type', render: (group) => typeName(group.group_type) },
  ];
}

export function Page(): ReactNode {
  const dialogs = useDialogs();
  const state = useListState();
  const query = useQuery(groupsQuery(state.list));
  const { data: types = [] } = useQuery(groupTypesQuery);
  const actions = useGroupActions();
  const create = <Button onClick={() => dialogs.open(<CreateGroupDialog />)}>Create Group</Button>;
  return (
    <>
      <PageHeading title="Groups" path={[{ label: 'Project' }, { label: 'Volumes' }]} />
      <ResourceTable
        caption="Groups"
        query={query}
        state={state}
        columns={columnsOf((id) => types.find((type) => type.id === id)?.name ?? id)}
        nameOf={nameOf}
        isPassing={({ status }) => isPassing(status)}
        actions={actions}
        tools={create}
        empty={{
          hint: 'Volumes of a group are snapshotted at one instant: a database and its log.',
          action: create,
        }}
      />
    </>
  );
}
