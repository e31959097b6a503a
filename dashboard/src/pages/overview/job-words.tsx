import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { backupQuery } from '../../api/backups.ts';
import type { RunningJob } from '../../api/firn.ts';
import { snapshotQuery } from '../../api/snapshots.ts';
import { volumeQuery } from '../../api/volumes.ts';
import { PageLink } from '../../components/facts.tsx';
import { nameOf } from '../../components/quantities.ts';

/** `backup.create` → `Create backup`. */
export function jobName(kind: string): string {
  const [noun = '', verb = ''] = kind.split('.');
  const words = `${verb} ${noun}`.replaceAll(/[_-]/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What a job is about, by name, while that is there. */
export function JobSubject({ job }: { job: RunningJob }): ReactNode {
  const { kind, subject_id: id } = job;
  const [noun = ''] = kind.split('.');
  const volume = useQuery({ ...volumeQuery(id), enabled: noun === 'volume', retry: false });
  const snapshot = useQuery({ ...snapshotQuery(id), enabled: noun === 'snapshot', retry: false });
  const backup = useQuery({ ...backupQuery(id), enabled: noun === 'backup', retry: false });
  const found = volume.data ?? snapshot.data ?? backup.data;
  if (found === undefined) return <span className="any-break">{id}</span>;
  return <PageLink to={`/project/${noun}s/${id}`}>{nameOf(found)}</PageLink>;
}
