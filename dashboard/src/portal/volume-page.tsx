import { Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { allBackupFiguresQuery } from '../api/backups.ts';
import { snapshotChoicesQuery } from '../api/snapshots.ts';
import { nameOf, timeText } from '../components/quantities.ts';
import { protectionQuery } from '../api/protection.ts';
import { VolumeCard } from './volume-card.tsx';

/** One volume: its shield, the days one can go back to, and its snapshots. */
export function VolumePage({ id }: { id: string }): ReactNode {
  const { data: volumes } = useQuery(protectionQuery);
  const { data: backups = [] } = useQuery(allBackupFiguresQuery({ volume_id: id }));
  const { data: snapshots = [] } = useQuery(snapshotChoicesQuery({ volume_id: id }));
  const volume = volumes?.find(({ volume_id: volumeId }) => volumeId === id);
  const name = volume === undefined ? id : nameOf({ id, name: volume.name });
  useDocumentTitle(`${name} - Firn`);
  if (volumes === undefined) return null;
  return (
    <>
      <p>
        <a href="/portal">Your volumes</a>
      </p>
      <Title order={1}>{name}</Title>
      {volume === undefined ? (
        <p className="portal-summary">This volume is gone.</p>
      ) : (
        <ul className="portal-cards">
          <VolumeCard volume={volume} />
        </ul>
      )}
      <section className="portal-activity">
        <Title order={2} size="h4">
          Backups
        </Title>
        {backups.length === 0 && <p className="portal-summary">There are none yet.</p>}
        <ul>
          {backups.map((backup) => (
            <li key={backup.id}>
              <time dateTime={`${backup.data_timestamp}Z`}>{timeText(backup.data_timestamp)}</time>
              <span className={backup.status === 'error' ? 'portal-failed' : undefined}>
                {stateText(backup.status, backup.percent, backup.verification?.outcome)}
                {backup.fail_reason === null ? '' : `: ${backup.fail_reason}`}
              </span>
            </li>
          ))}
        </ul>
      </section>
      <section className="portal-activity">
        <Title order={2} size="h4">
          Snapshots
        </Title>
        {snapshots.length === 0 && <p className="portal-summary">There are none.</p>}
        <ul>
          {snapshots.map((snapshot) => (
            <li key={snapshot.id}>
              <time dateTime={`${snapshot.created_at}Z`}>{timeText(snapshot.created_at)}</time>
              <a href={`/portal/snapshots/${snapshot.id}`}>{nameOf(snapshot)}</a>
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

function stateText(status: string, percent: number, outcome: string | undefined): string {
  if (status === 'creating') return `is being made, ${percent} % done`;
  if (status === 'error') return 'failed';
  if (outcome === 'damaged') return 'is damaged';
  return outcome === undefined ? 'is there' : 'is there and proven';
}
