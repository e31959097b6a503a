import { Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { instantOf } from '../components/quantities.ts';
import { type PlanRun, runsQuery } from '../api/plans.ts';

const doings: Readonly<Record<string, readonly [running: string, done: string, failed: string]>> = {
  backup: ['is being backed up', 'was backed up', 'could not be backed up'],
  snapshot: ['is being snapshotted', 'was snapshotted', 'could not be snapshotted'],
  verify: [
    'has its backup checked',
    'had its backup checked',
    'has a backup that failed its check',
  ],
  drill: ['has its backup tried', 'had its backup tried', 'has a backup that could not be used'],
};

function textOf({ action, state }: PlanRun): string {
  const [running, done, failed] = doings[action] ?? [action, action, action];
  if (state === 'running') return `${running} …`;
  if (state === 'failed') return failed;
  return state === 'skipped' ? 'was left out this time' : done;
}

/** What ran, what runs, and what failed. */
export function Activity({ names }: { names: ReadonlyMap<string, string> }): ReactNode {
  const { data: runs = [] } = useQuery(runsQuery({ limit: 15 }));
  return (
    <section className="portal-activity">
      <Title order={2} size="h4">
        What happened
      </Title>
      {runs.length === 0 ? (
        <p className="portal-summary">Nothing yet. Protect a volume, and its backups show here.</p>
      ) : (
        <ul>
          {runs.map((run) => (
            <li key={run.id}>
              <time dateTime={`${run.created_at}Z`}>
                {instantOf(run.created_at).toLocaleString()}
              </time>
              <span className={run.state === 'failed' ? 'portal-failed' : undefined}>
                {names.get(run.volume_id) ?? run.volume_id} {textOf(run)}
                {run.error === null ? '' : `: ${run.error}`}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
