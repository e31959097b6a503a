import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Backup, backupsQuery } from '../../api/backups.ts';
import { snapshotNamesQuery } from '../../api/snapshots.ts';
import { volumeNamesQuery } from '../../api/volumes.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { CutText, NameLink, PageLink } from '../../components/facts.tsx';
import { useListState } from '../../components/list-state.ts';
import { PageHeading } from '../../components/page-heading.tsx';
import { nameOf } from '../../components/quantities.ts';
import { type Column, ResourceTable } from '../../components/resource-table.tsx';
import { RowStatus } from '../../components/status.tsx';
import { isPassing } from '../../components/statuses.ts';
import { DeleteBackups, useBackupActions } from './backup-actions.tsx';
import { BackupProgress } from './backup-progress.tsx';
import { VerifiedRow } from './verified-row.tsx';

type Names = ReadonlyMap<string, string> | undefined;

function columnsOf(volumes: Names, snapshots: Names): readonly Column<Backup>[] {
  return [
    {
      label: 'Name',
      sortKey: 'name',
      render: (backup) => <NameLink folder="/project/backups" row={backup} />,
    },
    { label: 'Description', render: ({ description }) => <CutText text={description} /> },
    { label: 'Size', sortKey: 'size', render: ({ size }) => `${size}GB` },
    {
      label: 'Status',
      sortKey: 'status',
      render: ({ id, status }) => (
        <>
          <RowStatus status={status} />
          {(status === 'creating' || status === 'available') && <BackupProgress id={id} />}
        </>
      ),
    },
    { label: 'Verified', render: ({ id }) => <VerifiedRow id={id} /> },
    {
      label: 'Volume Name',
      sortKey: 'volume_id',
      render: ({ volume_id: id }) => <LinkedName folder="volumes" id={id} names={volumes} />,
    },
    {
      label: 'Snapshot',
      sortKey: 'snapshot_id',
      render: ({ snapshot_id: id }) =>
        id === null ? '-' : <LinkedName folder="snapshots" id={id} names={snapshots} />,
    },
  ];
}

/** A backup outlives its volume and its snapshot: what is gone is no link. */
function LinkedName(props: {
  readonly folder: string;
  readonly id: string;
  readonly names: Names;
}): ReactNode {
  const { folder, id, names } = props;
  const name = names?.get(id);
  if (name === undefined) return <span className="any-break">{id}</span>;
  return <PageLink to={`/project/${folder}/${id}`}>{name}</PageLink>;
}

export function Page(): ReactNode {
  const dialogs = useDialogs();
  const state = useListState();
  const query = useQuery({ ...backupsQuery(state.list), placeholderData: keepPreviousData });
  const { data: volumes } = useQuery(volumeNamesQuery);
  const { data: snapshots } = useQuery(snapshotNamesQuery);
  const actions = useBackupActions();
  return (
    <>
      <PageHeading title="Volume Backups" path={[{ label: 'Project' }, { label: 'Volumes' }]} />
      <ResourceTable
        caption="Volume Backups"
        query={query}
        state={state}
        columns={columnsOf(volumes, snapshots)}
        nameOf={nameOf}
        isPassing={({ status }) => isPassing(status)}
        actions={actions}
        batch={{
          label: 'Delete Volume Backups',
          run: (backups) => dialogs.open(<DeleteBackups backups={backups} />),
        }}
        empty={{
          hint: (
            <>
              A backup is a copy elsewhere that outlives the volume. Make one with “Create Backup”
              on a row of the <a href="/project/snapshots">snapshots</a> or{' '}
              <a href="/project/volumes">volumes</a>.
            </>
          ),
        }}
      />
    </>
  );
}
