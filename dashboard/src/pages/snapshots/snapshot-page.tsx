import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { type ReactNode, useEffect } from 'react';
import { type Snapshot, snapshotQuery, snapshotUsageQuery } from '../../api/snapshots.ts';
import { volumeNamesQuery } from '../../api/volumes.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { Facts, MetadataFacts, PageLink } from '../../components/facts.tsx';
import { useNavigateTo } from '../../components/navigate.ts';
import { usePathId } from '../../components/path-id.ts';
import { bytesText, timeText } from '../../components/quantities.ts';
import { Status } from '../../components/status.tsx';
import { CreateBackupDialog } from '../backups/create-backup-dialog.tsx';
import { HeldNote } from '../holds/hold-actions.tsx';
import { MessageList } from '../messages/message-list.tsx';
import { useSnapshotActions } from './snapshot-actions.tsx';
import { ExportList } from '../exports/export-list.tsx';
import { DetailPage, PageTabs } from '../../components/detail-page.tsx';

const path = [
  { label: 'Project' },
  { label: 'Volumes' },
  { label: 'Snapshots', href: '/project/snapshots' },
];

export function Page(): ReactNode {
  const id = usePathId();
  const goTo = useNavigateTo();
  const query = useQuery(snapshotQuery(id));
  const actions = useSnapshotActions({ afterDelete: () => goTo('/project/snapshots') });
  const where = { resource_type: 'VOLUME_SNAPSHOT', resource_uuid: id };
  useOpenDialog(query.data);
  return (
    <DetailPage query={query} path={path} actions={actions}>
      {(snapshot) => (
        <>
          <HeldNote kind="snapshot" id={id} />
          <PageTabs
            tabs={[
              ['overview', 'Overview', <SnapshotOverview key="overview" snapshot={snapshot} />],
              ['messages', 'Messages', <MessageList key="messages" where={where} />],
            ]}
          />
        </>
      )}
    </DetailPage>
  );
}

/** A link from elsewhere opens Create Backup, with this snapshot chosen. */
function useOpenDialog(snapshot: Snapshot | undefined): void {
  const { open: asked }: { open?: string } = useSearch({ strict: false });
  const { open } = useDialogs();
  const isReady = snapshot !== undefined;
  useEffect(() => {
    if (asked === 'create-backup' && snapshot !== undefined) {
      open(<CreateBackupDialog source={{ snapshot }} />);
    }
    // Once: what changes about the snapshot later does not open it again.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [asked, isReady, open]);
}

function SnapshotOverview({ snapshot }: { snapshot: Snapshot }): ReactNode {
  const { data: usage } = useQuery(snapshotUsageQuery(snapshot.id));
  const { data: names } = useQuery(volumeNamesQuery);
  const { volume_id: volumeId, group_snapshot_id: groupId } = snapshot;
  return (
    <div className="columns">
      <div className="panel">
        <Facts
          facts={{
            Name: snapshot.name,
            ID: snapshot.id,
            Description: snapshot.description,
            'Project ID': snapshot['os-extended-snapshot-attributes:project_id'],
            Status: <Status status={snapshot.status} />,
            Volume: (
              <PageLink to={`/project/volumes/${volumeId}`}>
                {names?.get(volumeId) ?? volumeId}
              </PageLink>
            ),
            'Group Snapshot':
              groupId === null ? null : (
                <PageLink to={`/project/vg_snapshots/${groupId}`}>{groupId}</PageLink>
              ),
          }}
        />
        <Facts
          title="Specs"
          facts={{ Size: `${snapshot.size} GiB`, Created: timeText(snapshot.created_at) }}
        />
        <MetadataFacts metadata={snapshot.metadata} />
      </div>
      <div className="panel">
        {usage !== undefined && (
          <Facts
            title="Space on this host"
            facts={{
              Data: bytesText(usage.allocated_bytes),
              'Shared with others': bytesText(usage.shared_bytes),
              'Given back by its deletion': bytesText(usage.exclusive_bytes),
            }}
          />
        )}
        <ExportList of={{ kind: 'snapshot', id: snapshot.id }} />
      </div>
    </div>
  );
}
