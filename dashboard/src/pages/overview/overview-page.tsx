import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense } from 'react';
import { allBackupFiguresQuery } from '../../api/backups.ts';
import { limitsQuery } from '../../api/installation.ts';
import { volumeChoicesQuery } from '../../api/volumes.ts';
import { LimitBars } from '../../components/limit-bars.tsx';
import { PageHeading } from '../../components/page-heading.tsx';
import { LoadProblem } from '../../components/resource-table.tsx';
import { FailureList } from './failure-list.tsx';
import { ProtectionPanel } from './protection-panel.tsx';
import { RunningList } from './running-list.tsx';

const StoredChart = lazy(() => import('./stored-chart.tsx'));

export function Page(): ReactNode {
  const { data: volumes, error } = useQuery(volumeChoicesQuery({}));
  const { data: backups } = useQuery(allBackupFiguresQuery({}));
  const { data: limits } = useQuery(limitsQuery);
  return (
    <>
      <PageHeading title="Overview" path={[{ label: 'Project' }]} />
      {error !== null && <LoadProblem error={error} />}
      <div className="columns">
        {volumes !== undefined && backups !== undefined && (
          <ProtectionPanel volumes={volumes} backups={backups} />
        )}
        <div className="stack">
          <RunningList />
          <FailureList />
        </div>
        {limits !== undefined && (
          <section className="panel">
            <LimitBars
              title="Limit Summary"
              bars={[
                bar('Volumes', limits.totalVolumesUsed, limits.maxTotalVolumes),
                bar('Snapshots', limits.totalSnapshotsUsed, limits.maxTotalSnapshots),
                bar('Backups', limits.totalBackupsUsed, limits.maxTotalBackups),
                {
                  ...bar(
                    'Total Gibibytes',
                    limits.totalGigabytesUsed,
                    limits.maxTotalVolumeGigabytes,
                  ),
                  unit: ' GiB',
                },
              ]}
            />
          </section>
        )}
        {backups !== undefined && backups.length > 0 && (
          <Suspense fallback={null}>
            <StoredChart backups={backups} />
          </Suspense>
        )}
      </div>
    </>
  );
}

const bar = (
  label: string,
  used: number,
  max: number,
): { label: string; used: number; max: number } => ({
  label,
  used,
  max,
});
