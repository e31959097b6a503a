import { Progress, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { jobsQuery, type RunningJob } from '../../api/firn.ts';
import { bytesText } from '../../components/quantities.ts';
import { JobSubject, jobName } from './job-words.tsx';

/** What the background works on just now. */
export function RunningList(): ReactNode {
  const { data: running = [] } = useQuery(jobsQuery({ state: 'running', limit: 20 }));
  const { data: queued = [] } = useQuery(jobsQuery({ state: 'queued', limit: 20 }));
  return (
    <section className="panel" aria-label="Running now">
      <Title order={2} size="h4">
        Running now
      </Title>
      {running.length + queued.length === 0 && <Text c="dimmed">Nothing. All work is done.</Text>}
      {[...running, ...queued].map((job) => (
        <RunningRow key={job.id} job={job} />
      ))}
    </section>
  );
}

/** What an administrator is told of a job that gets no further. */
function WaitsFor({ job }: { job: RunningJob }): ReactNode {
  const { waits_for: what, error, attempts } = job;
  if (typeof what === 'string') return <Hint>Waits for {what}.</Hint>;
  if (typeof error !== 'string' || attempts === 0) return null;
  return <Hint>Is tried again: {error}</Hint>;
}

function Hint({ children }: { children: ReactNode }): ReactNode {
  return (
    <Text size="sm" c="dimmed" className="any-break">
      {children}
    </Text>
  );
}

function RunningRow({ job }: { job: RunningJob }): ReactNode {
  const { bytes_done: done, bytes_total: total } = job;
  return (
    <div className="job">
      <Text size="sm">
        {jobName(job.kind)}: <JobSubject job={job} />
        {job.state === 'queued' ? ' (waits)' : ''}
      </Text>
      <WaitsFor job={job} />
      {total > 0 && (
        <>
          <Progress value={(done * 100) / total} aria-label={`Progress of ${jobName(job.kind)}`} />
          <Text size="sm" c="dimmed">
            {bytesText(done)} of {bytesText(total)}
          </Text>
        </>
      )}
    </div>
  );
}
