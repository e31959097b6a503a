import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { snapshotsQuery } from '../../api/snapshots.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { useListState } from '../../components/list-state.ts';
import { nameOf } from '../../components/quantities.ts';
import { ResourceTable } from '../../components/resource-table.tsx';
import { isPassing } from '../../components/statuses.ts';
import { DeleteSnapshots, useSnapshotActions } from './snapshot-actions.tsx';
import { snapshotColumns } from './snapshots-page.tsx';

/** The snapshots of one volume. */
export function VolumeSnapshots({ volumeId }: { volumeId: string }): ReactNode {
  const dialogs = useDialogs();
  const state = useListState();
  const list = { ...state.list, where: { volume_id: volumeId } };
  const query = useQuery({ ...snapshotsQuery(list), placeholderData: keepPreviousData });
  const actions = useSnapshotActions();
  return (
    <ResourceTable
      caption="Volume Snapshots"
      query={query}
      state={state}
      columns={snapshotColumns((id) => id).filter(({ label }) => label !== 'Volume Name')}
      nameOf={nameOf}
      isPassing={({ status }) => isPassing(status)}
      actions={actions}
      batch={{
        label: 'Delete Volume Snapshots',
        run: (snapshots) => dialogs.open(<DeleteSnapshots snapshots={snapshots} />),
      }}
      empty={{ hint: 'Take one with “Create Snapshot” above.' }}
    />
  );
}
