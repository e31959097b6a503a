import { Button, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { snapshotQuery } from '../api/snapshots.ts';
import { nameOf, timeText } from '../components/quantities.ts';
import { LoadProblem } from '../components/resource-table.tsx';

/** A snapshot: what it is, and where a backup of exactly it is made. */
export function SnapshotPage({ id }: { id: string }): ReactNode {
  const { data: snapshot, error } = useQuery(snapshotQuery(id));
  useDocumentTitle('Snapshot - Firn');
  if (error !== null) return <LoadProblem error={error} />;
  if (snapshot === undefined) return null;
  return (
    <>
      <p>
        <a href={`/portal/volumes/${snapshot.volume_id}`}>To its volume</a>
      </p>
      <Title order={1}>{nameOf(snapshot)}</Title>
      <p className="portal-summary">
        What the volume held on {timeText(snapshot.created_at)}, kept beside it.
      </p>
      <p>
        The portal makes backups of volumes as they are now; a backup of exactly this snapshot is
        made in the dashboard.
      </p>
      <Button component="a" href={`/project/snapshots/${id}?open=create-backup`}>
        Create Backup in the dashboard
      </Button>
    </>
  );
}
