import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Hold, type HoldKind, holdsQuery } from '../../api/holds.ts';
import { backupQuery } from '../../api/backups.ts';
import { pageOf } from '../../api/page.ts';
import { snapshotNamesQuery } from '../../api/snapshots.ts';
import { volumeNamesQuery } from '../../api/volumes.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { CutText, PageLink } from '../../components/facts.tsx';
import { useListState } from '../../components/list-state.ts';
import { PageHeading } from '../../components/page-heading.tsx';
import { paged } from '../../components/paged.ts';
import { timeText } from '../../components/quantities.ts';
import { type Column, ResourceTable } from '../../components/resource-table.tsx';
import { ReleaseHold } from './hold-actions.tsx';

const kinds: Readonly<Record<string, string>> = {
  volume: 'Volume',
  snapshot: 'Snapshot',
  backup: 'Backup',
};

const columns: readonly Column<Hold>[] = [
  { label: 'Name', render: (hold) => <HeldName hold={hold} /> },
  { label: 'Kind', sortKey: 'kind', render: ({ kind }) => kinds[kind] ?? kind },
  { label: 'Reason', sortKey: 'name', render: ({ reason }) => <CutText text={reason} /> },
  { label: 'Since', sortKey: 'created_at', render: (hold) => timeText(hold.created_at) },
];

function HeldName({ hold: { kind, id } }: { hold: Hold }): ReactNode {
  const { data: volumes } = useQuery({ ...volumeNamesQuery, enabled: kind === 'volume' });
  const { data: snapshots } = useQuery({ ...snapshotNamesQuery, enabled: kind === 'snapshot' });
  const { data: backup } = useQuery({ ...backupQuery(id), enabled: kind === 'backup' });
  const name = volumes?.get(id) ?? snapshots?.get(id) ?? backup?.name ?? id;
  return <PageLink to={`/project/${kind}s/${id}`}>{name}</PageLink>;
}

/** By its reason when it is filtered: holds have no names. */
function textOf(hold: Hold, key: string): string {
  if (key === 'kind') return hold.kind;
  return key === 'created_at' ? hold.created_at : `${hold.reason ?? ''} ${hold.id}`;
}

export function Page(): ReactNode {
  const dialogs = useDialogs();
  const state = useListState();
  const query = useQuery(holdsQuery);
  return (
    <>
      <PageHeading title="Holds" path={[{ label: 'Project' }, { label: 'Protection' }]} />
      <ResourceTable
        caption="Holds"
        query={paged(query, (rows) => pageOf(rows, state.list, textOf))}
        state={state}
        columns={columns}
        nameOf={({ reason, id }) => reason ?? id}
        actions={[
          {
            label: 'Release Hold',
            run: ({ kind, id, reason }) =>
              dialogs.open(
                <ReleaseHold kind={kind as HoldKind} id={id} name={reason ?? `${kind} ${id}`} />,
              ),
          },
        ]}
        empty={{
          hint: '“Place Hold” on a volume, snapshot or backup keeps it until it is released.',
        }}
      />
    </>
  );
}
