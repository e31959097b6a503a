import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Limits, limitsQuery } from '../../api/installation.ts';
import { isAdmin } from '../../api/session.ts';
import { useSession } from '../../app/session-context.ts';
import { useDialogs } from '../../components/dialogs.tsx';
import { type LimitBar, LimitBars } from '../../components/limit-bars.tsx';
import { PageHeading } from '../../components/page-heading.tsx';
import { LoadProblem } from '../../components/resource-table.tsx';
import { EditQuotaDialog } from './edit-quota-dialog.tsx';

function barsOf(limits: Limits): readonly LimitBar[] {
  return [
    { label: 'Volumes', used: limits.totalVolumesUsed, max: limits.maxTotalVolumes },
    { label: 'Volume Snapshots', used: limits.totalSnapshotsUsed, max: limits.maxTotalSnapshots },
    {
      label: 'Volumes and Snapshots',
      used: limits.totalGigabytesUsed,
      max: limits.maxTotalVolumeGigabytes,
      unit: ' GiB',
    },
    { label: 'Backups', used: limits.totalBackupsUsed, max: limits.maxTotalBackups },
    {
      label: 'Total Size of Backups',
      used: limits.totalBackupGigabytesUsed,
      max: limits.maxTotalBackupGigabytes,
      unit: ' GiB',
    },
  ];
}

export function Page(): ReactNode {
  const session = useSession();
  const dialogs = useDialogs();
  const { data: limits, error } = useQuery(limitsQuery);
  const { id = '', name = '' } = session.project ?? {};
  return (
    <>
      <PageHeading
        title="Quotas"
        path={[{ label: 'Project' }]}
        aside={
          isAdmin(session) && (
            <Button onClick={() => dialogs.open(<EditQuotaDialog projectId={id} name={name} />)}>
              Modify Quotas
            </Button>
          )
        }
      />
      {error !== null && <LoadProblem error={error} />}
      {limits !== undefined && (
        <div className="panel">
          <LimitBars title={`What “${name}” uses`} bars={barsOf(limits)} />
        </div>
      )}
    </>
  );
}
