import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { pageOf } from '../../api/page.ts';
import { type Plan, plansQuery } from '../../api/plans.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { NameLink } from '../../components/facts.tsx';
import { useListState } from '../../components/list-state.ts';
import { PageHeading } from '../../components/page-heading.tsx';
import { paged } from '../../components/paged.ts';
import { timeText, yesNo } from '../../components/quantities.ts';
import { type Column, ResourceTable } from '../../components/resource-table.tsx';
import { usePlanActions } from './plan-actions.tsx';
import { PlanDialog } from './plan-dialog.tsx';
import { actionText, retentionText, scheduleText, selectionText } from './plan-words.ts';

const columns: readonly Column<Plan>[] = [
  {
    label: 'Name',
    sortKey: 'name',
    render: (plan) => <NameLink folder="/project/plans" row={plan} />,
  },
  { label: 'Does', render: ({ action }) => actionText(action) },
  { label: 'When', render: scheduleText },
  {
    label: 'Volumes',
    render: (plan) => <span className="any-break">{selectionText(plan)}</span>,
  },
  { label: 'Keeps', render: retentionText },
  {
    label: 'Next Run',
    render: ({ next_runs: [next], enabled }) => (enabled ? timeText(next) : '-'),
  },
  { label: 'Enabled', render: ({ enabled }) => yesNo(enabled) },
];

export function Page(): ReactNode {
  const dialogs = useDialogs();
  const state = useListState();
  const query = useQuery(plansQuery);
  const actions = usePlanActions();
  return (
    <>
      <PageHeading title="Plans" path={[{ label: 'Project' }, { label: 'Protection' }]} />
      <ResourceTable
        caption="Plans"
        query={paged(query, (rows) => pageOf(rows, state.list, (plan) => plan.name))}
        state={state}
        columns={columns}
        nameOf={({ name }) => name}
        actions={actions}
        tools={<Button onClick={() => dialogs.open(<PlanDialog />)}>Create Plan</Button>}
        empty={{
          hint: 'A plan says once what shall be kept, and makes and deletes backups from then on.',
        }}
      />
    </>
  );
}
