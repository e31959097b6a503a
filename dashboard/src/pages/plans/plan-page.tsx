import { Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import {
  type Plan,
  planQuery,
  type PlanVolume,
  planVolumesQuery,
  type PlanRun,
  runsQuery,
} from '../../api/plans.ts';
import { volumeNamesQuery } from '../../api/volumes.ts';
import { Facts, PageLink } from '../../components/facts.tsx';
import { useNavigateTo } from '../../components/navigate.ts';
import { usePathId } from '../../components/path-id.ts';
import { timeText, yesNo } from '../../components/quantities.ts';
import { usePlanActions } from './plan-actions.tsx';
import { asSaved } from './plan-form.ts';
import { PlanPreview } from './plan-preview.tsx';
import { actionText, retentionText, scheduleText, selectionText } from './plan-words.ts';
import { DetailPage } from '../../components/detail-page.tsx';

const path = [
  { label: 'Project' },
  { label: 'Protection' },
  { label: 'Plans', href: '/project/plans' },
];

export function Page(): ReactNode {
  const goTo = useNavigateTo();
  const query = useQuery(planQuery(usePathId()));
  const actions = usePlanActions({ afterDelete: () => goTo('/project/plans') });
  return (
    <DetailPage query={query} path={path} actions={actions}>
      {(plan) => (
        <>
          <div className="columns">
            <PlanFacts plan={plan} />
            <section className="panel" aria-label="What it keeps">
              <PlanPreview plan={asSaved(plan)} planId={plan.id} />
            </section>
          </div>
          <PlanVolumes planId={plan.id} />
          <Runs planId={plan.id} />
        </>
      )}
    </DetailPage>
  );
}

function PlanFacts({ plan }: { plan: Plan }): ReactNode {
  return (
    <div className="panel">
      <Facts
        facts={{
          Name: plan.name,
          ID: plan.id,
          Description: plan.description,
          Does: actionText(plan.action),
          When: scheduleText(plan),
          Volumes: selectionText(plan),
          Keeps: retentionText(plan),
          Enabled: yesNo(plan.enabled),
          Created: timeText(plan.created_at),
        }}
      />
    </div>
  );
}

function useVolumeLink(): (id: string) => ReactNode {
  const { data: names } = useQuery(volumeNamesQuery);
  return (id) => {
    const name = names?.get(id);
    return name === undefined ? id : <PageLink to={`/project/volumes/${id}`}>{name}</PageLink>;
  };
}

const volumeStates: Readonly<Record<string, string>> = {
  waiting: 'Waits for its next run',
  running: 'Runs now',
  retrying: 'Is tried again soon',
  failing: 'Fails',
};

function PlanVolumes({ planId }: { planId: string }): ReactNode {
  const { data: volumes = [] } = useQuery(planVolumesQuery(planId));
  const linkTo = useVolumeLink();
  const columns: readonly Cell<PlanVolume>[] = [
    ['Volume', ({ volume_id: id }) => linkTo(id)],
    ['State', ({ state, error }) => stateText(volumeStates[state] ?? state, error)],
    ['Last Good Run', (row) => timeText(row.last_good_at)],
    ['Next Run', (row) => timeText(row.next_at)],
  ];
  return (
    <section className="panel panel-below" aria-label="Volumes">
      <Title order={2} size="h4">
        Volumes
      </Title>
      <PlainTable
        caption="Volumes of the plan"
        columns={columns}
        rows={volumes}
        keyOf={({ volume_id: id }) => id}
        hint="No volume is under it yet: edit the plan, or give a volume the metadata firn:plan."
      />
    </section>
  );
}

function Runs({ planId }: { planId: string }): ReactNode {
  const { data: runs = [] } = useQuery(runsQuery({ plan_id: planId, limit: 50 }));
  const linkTo = useVolumeLink();
  const columns: readonly Cell<PlanRun>[] = [
    ['When', (run) => timeText(run.created_at)],
    ['Volume', ({ volume_id: id }) => linkTo(id)],
    ['Outcome', ({ state, error }) => stateText(state, error)],
    ['Made', madeBy],
    ['Deleted', ({ deleted }) => deleted],
  ];
  return (
    <section className="panel panel-below" aria-label="Runs">
      <Title order={2} size="h4">
        Runs
      </Title>
      <PlainTable
        caption="Runs"
        columns={columns}
        rows={runs}
        keyOf={({ id }) => id}
        hint="It has not run yet. “Run Now” does not wait for its time."
      />
    </section>
  );
}

function madeBy({ action, subject_id: id }: PlanRun): ReactNode {
  if (id === null) return '-';
  const folder = action === 'snapshot' ? 'snapshots' : 'backups';
  return <PageLink to={`/project/${folder}/${id}`}>{id}</PageLink>;
}

const stateText = (state: string, error: string | null): string =>
  error === null ? state : `${state}: ${error}`;

type Cell<R> = readonly [label: string, render: (row: R) => ReactNode];

interface PlainTableProps<R> {
  readonly caption: string;
  readonly columns: readonly Cell<R>[];
  readonly rows: readonly R[];
  readonly keyOf: (row: R) => string;
  readonly hint: string;
}

/** Rows without actions and pages. */
function PlainTable<R>({ caption, columns, rows, keyOf, hint }: PlainTableProps<R>): ReactNode {
  if (rows.length === 0) return <Text c="dimmed">{hint}</Text>;
  return (
    <Table className="resources" aria-label={caption}>
      <Table.Thead>
        <Table.Tr>
          {columns.map(([label]) => (
            <Table.Th key={label}>{label}</Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row) => (
          <Table.Tr key={keyOf(row)}>
            {columns.map(([label, render]) => (
              <Table.Td key={label} data-label={label}>
                {render(row)}
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
