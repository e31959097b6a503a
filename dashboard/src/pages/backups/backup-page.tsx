import { Code, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import {
  type Backup,
  type BackupFigures,
  backupFiguresQuery,
  backupQuery,
} from '../../api/backups.ts';
import { volumeNamesQuery } from '../../api/volumes.ts';
import { snapshotNamesQuery } from '../../api/snapshots.ts';
import { Facts, MetadataFacts, PageLink } from '../../components/facts.tsx';
import { useNavigateTo } from '../../components/navigate.ts';
import { usePathId } from '../../components/path-id.ts';
import { bytesText, timeText, yesNo } from '../../components/quantities.ts';
import { Status } from '../../components/status.tsx';
import { ExportList } from '../exports/export-list.tsx';
import { HeldNote } from '../holds/hold-actions.tsx';
import { MessageList } from '../messages/message-list.tsx';
import { useBackupActions } from './backup-actions.tsx';
import type { BackupCopy } from '../../../../src/client/firn-schema.ts';
import { BackupFiguresText } from './backup-progress.tsx';
import { BackupSpace } from './backup-space.tsx';
import { depthText, Verified } from './verified.tsx';
import { DetailPage, PageTabs } from '../../components/detail-page.tsx';

const path = [
  { label: 'Project' },
  { label: 'Volumes' },
  { label: 'Backups', href: '/project/backups' },
];

export function Page(): ReactNode {
  const id = usePathId();
  const goTo = useNavigateTo();
  const query = useQuery(backupQuery(id));
  const actions = useBackupActions({ afterDelete: () => goTo('/project/backups') });
  const where = { resource_type: 'VOLUME_BACKUP', resource_uuid: id };
  return (
    <DetailPage query={query} path={path} actions={actions}>
      {(backup) => (
        <>
          <HeldNote kind="backup" id={id} />
          <PageTabs
            tabs={[
              ['overview', 'Overview', <BackupOverview key="overview" backup={backup} />],
              ['messages', 'Messages', <MessageList key="messages" where={where} />],
            ]}
          />
        </>
      )}
    </DetailPage>
  );
}

function BackupOverview({ backup }: { backup: Backup }): ReactNode {
  const { data: figures } = useQuery(backupFiguresQuery(backup.id));
  const { data: volumes } = useQuery(volumeNamesQuery);
  const { data: snapshots } = useQuery(snapshotNamesQuery);
  const { volume_id: volumeId, snapshot_id: snapshotId } = backup;
  const link = (folder: string, id: string, name: string | undefined): ReactNode =>
    name === undefined ? (
      `${id} (gone)`
    ) : (
      <PageLink to={`/project/${folder}/${id}`}>{name}</PageLink>
    );
  return (
    <div className="columns">
      <div className="panel">
        <Facts
          facts={{
            Name: backup.name,
            ID: backup.id,
            Description: backup.description,
            Status: <Status status={backup.status} />,
            'Fail reason': backup.status === 'error' ? backup.fail_reason : undefined,
            Volume: volumes === undefined ? '' : link('volumes', volumeId, volumes.get(volumeId)),
            Snapshot:
              snapshotId === null || snapshots === undefined
                ? null
                : link('snapshots', snapshotId, snapshots.get(snapshotId)),
          }}
        />
        <Facts
          title="Specs"
          facts={{
            Size: `${backup.size} GiB`,
            Created: timeText(backup.created_at),
            'Data of': timeText(backup.data_timestamp),
            Container: backup.container,
            'Asked for as incremental': yesNo(backup.is_incremental),
          }}
        />
        <MetadataFacts metadata={backup.metadata} />
      </div>
      {figures !== undefined && <BackupProof figures={figures} />}
    </div>
  );
}

function BackupProof({ figures }: { figures: BackupFigures }): ReactNode {
  const { drill, copies, space } = figures;
  const verification = figures.verification ?? null;
  return (
    <div className="panel">
      <Facts
        title="Where its bytes are"
        facts={{
          Progress: <BackupFiguresText figures={figures} />,
          'Objects in the store': figures.object_count,
          'Made from': figures.parent_id === null ? 'the whole volume' : 'what changed since',
          'Earlier backup':
            figures.parent_id === null ? undefined : (
              <PageLink to={`/project/backups/${figures.parent_id}`}>{figures.parent_id}</PageLink>
            ),
        }}
      />
      {space !== undefined && space !== null && <BackupSpace space={space} />}
      <Facts
        title="Proof"
        facts={{
          Verification: <Verified verification={verification} />,
          When: verification === null ? undefined : timeText(verification.at),
          'How deep': verification === null ? undefined : depthText(verification.depth),
          Damage: damageText(verification),
        }}
      />
      {drill !== undefined && (
        <>
          <Facts
            title="Drill"
            facts={
              drill === null
                ? { Drill: 'None yet. “Run Drill” restores it for a test.' }
                : { Outcome: drill.outcome, When: timeText(drill.at) }
            }
          />
          {drill !== null && (
            <Code block tabIndex={0} aria-label="Log of the drill">
              {drill.log}
            </Code>
          )}
        </>
      )}
      <ExportList of={{ kind: 'backup', id: figures.id }} />
      {copies !== undefined && copies.length > 0 && (
        <Facts title="Copies" facts={Object.fromEntries(copies.map(copyFact))} />
      )}
    </div>
  );
}

/** A second store, and how far it has the backup. */
function copyFact({ url, state, problem }: BackupCopy): [string, string] {
  return [url, problem === null ? state : `${state}: ${problem}`];
}

function damageText(verification: NonNullable<BackupFigures['verification']> | null): ReactNode {
  if (verification === null || verification.outcome !== 'damaged') return undefined;
  const ranges = verification.damaged_ranges.slice(0, 10);
  return (
    <>
      <Text component="span">{verification.reason}</Text>
      {ranges.map(({ offset_bytes: offset, length_bytes: length }) => (
        <div key={offset}>
          {bytesText(length)} from byte {offset}
        </div>
      ))}
    </>
  );
}
