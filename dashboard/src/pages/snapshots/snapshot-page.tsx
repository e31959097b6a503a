import { Button, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { type ReactNode, useEffect } from 'react';
import { type Snapshot, snapshotQuery, snapshotUsageQuery } from '../../api/snapshots.ts';
import { volumeNamesQuery } from '../../api/volumes.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { Facts, MetadataFacts, PageLink } from '../../components/facts.tsx';
import { useNavigateTo } from '../../components/navigate.ts';
import { usePathId } from '../../components/path-id.ts';
import { PageHeading } from '../../components/page-heading.tsx';
import { bytesText, nameOf, timeText } from '../../components/quantities.ts';
import { LoadProblem } from '../../components/resource-table.tsx';
import { RowActions } from '../../components/row-actions.tsx';
import { Status } from '../../components/status.tsx';
import { useTab } from '../../components/tab-state.ts';
import { CreateBackupDialog } from '../backups/create-backup-dialog.tsx';
import { HeldNote } from '../holds/hold-actions.tsx';
import { MessageList } from '../messages/message-list.tsx';
import { useSnapshotActions } from './snapshot-actions.tsx';
import { SnapshotExports } from './snapshot-exports.tsx';

export function Page(): ReactNode {
  const id = usePathId();
  const goTo = useNavigateTo();
  const { data: snapshot, error } = useQuery(snapshotQuery(id));
  const actions = useSnapshotActions({ afterDelete: () => goTo('/project/snapshots') });
  const [tab, setTab] = useTab('overview');
  useOpenDialog(snapshot);
  if (error !== null) return <GoneOrProblem error={error} />;
  if (snapshot === undefined) return null;
  const path = [
    { label: 'Project' },
    { label: 'Volumes' },
    { label: 'Snapshots', href: '/project/snapshots' },
  ];
  return (
    <>
      <PageHeading
        title={nameOf(snapshot)}
        path={path}
        aside={<RowActions row={snapshot} name={nameOf(snapshot)} actions={actions} />}
      />
      <HeldNote kind="snapshot" id={snapshot.id} />
      <Tabs value={tab} onChange={setTab} keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="overview">Overview</Tabs.Tab>
          <Tabs.Tab value="messages">Messages</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="overview" pt="md">
          <SnapshotOverview snapshot={snapshot} />
        </Tabs.Panel>
        <Tabs.Panel value="messages" pt="md">
          <MessageList where={{ resource_type: 'VOLUME_SNAPSHOT', resource_uuid: id }} />
        </Tabs.Panel>
      </Tabs>
    </>
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

function GoneOrProblem({ error }: { error: unknown }): ReactNode {
  return (
    <>
      <LoadProblem error={error} />
      <Button component="a" href="/project/snapshots" variant="default">
        To the snapshots
      </Button>
    </>
  );
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
        <SnapshotExports snapshotId={snapshot.id} />
      </div>
    </div>
  );
}
