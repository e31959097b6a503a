import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense } from 'react';
import { allBackupFiguresQuery } from '../../api/backups.ts';
import { type Limits, limitsQuery } from '../../api/installation.ts';
import { protectionQuery } from '../../api/protection.ts';
import { LimitBars } from '../../components/limit-bars.tsx';
import { PageHeading } from '../../components/page-heading.tsx';
import { LoadProblem } from '../../components/resource-table.tsx';
import { FailureList } from './failure-list.tsx';
import { ProtectionPanel } from './protection-panel.tsx';
import { RunningList } from './running-list.tsx';

const StoredChart = lazy(() => import('./stored-chart.tsx'));

export function Page(): ReactNode {
  const { data: volumes, error } = useQuery(protectionQuery);
  const { data: backups } = useQuery(allBackupFiguresQuery({}));
  const { data: limits } = useQuery(limitsQuery);
  return (
    <>
      <PageHeading title="Overview" path={[{ label: 'Project' }]} />
      {error !== null && <LoadProblem error={error} />}
      <div className="columns">
        <div className="stack">
          {volumes !== undefined && (
            <>
              <FailureList volumes={volumes} />
              <ProtectionPanel volumes={volumes} backups={backups ?? []} />
            </>
          )}
        </div>
        <div className="stack">
          <RunningList />
          {backups !== undefined && backups.length > 0 && (
            <Suspense fallback={null}>
              <StoredChart backups={backups} />
            </Suspense>
          )}
          {limits !== undefined && <LimitSummary limits={limits} />}
        </div>
      </div>
    </>
  );
}

function LimitSummary({ limits }: { limits: Limits }): ReactNode {
  const bars = [
    { label: 'Volumes', used: limits.totalVolumesUsed, max: limits.maxTotalVolumes },
    { label: 'Snapshots', used: limits.totalSnapshotsUsed, max: limits.maxTotalSnapshots },
    { label: 'Backups', used: limits.totalBackupsUsed, max: limits.maxTotalBackups },
    {
      label: 'Total Gibibytes',
      used: limits.totalGigabytesUsed,
      max: limits.maxTotalVolumeGigabytes,
      unit: ' GiB',
    },
  ];
  return (
    <section className="panel">
      <LimitBars title="Limit Summary" bars={bars} />
    </section>
  );
}
