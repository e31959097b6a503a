/** Answers of Firn v1 about the installation's work and space. */
import { queryOptions } from '@tanstack/react-query';
import type { Repository } from '../../../src/client/firn-schema.ts';
import { ask } from './http.ts';

export interface RunningJob {
  readonly id: string;
  readonly kind: string;
  readonly subject_id: string;
  readonly request_id: string;
  readonly state: string;
  readonly attempts: number;
  readonly bytes_done: number;
  readonly bytes_total: number;
  readonly created_at: string;
  readonly updated_at: string;
  /** For administrators: why the last try failed. */
  readonly error?: string | null;
  /** For administrators: what it waits for at the moment. */
  readonly waits_for?: string | null;
}

export const jobsQuery = (where: Readonly<Record<string, string | number>>) =>
  queryOptions({
    queryKey: ['jobs', where],
    queryFn: async (): Promise<readonly RunningJob[]> =>
      (await ask<{ jobs: RunningJob[] }>('/firn/v1/jobs', { query: where })).jobs,
  });

export const repositoriesQuery = queryOptions({
  queryKey: ['backups', 'repositories'],
  queryFn: async (): Promise<readonly Repository[]> =>
    (await ask<{ repositories: Repository[] }>('/firn/v1/repositories')).repositories,
});

/** One request that changed something. */
export interface AuditEntry {
  readonly id: string;
  readonly created_at: string;
  readonly request_id: string;
  readonly user_id: string | null;
  readonly user_name: string | null;
  readonly project_id: string | null;
  readonly address: string | null;
  readonly action: string;
  readonly resource_type: string | null;
  readonly resource_id: string | null;
  readonly status_code: number;
}

export interface AuditPage {
  readonly audit: readonly AuditEntry[];
  readonly next_marker?: string;
}

export const auditQuery = (where: Readonly<Record<string, string | number | undefined>>) =>
  queryOptions({
    queryKey: ['audit', where],
    queryFn: async (): Promise<AuditPage> => ask<AuditPage>('/firn/v1/audit', { query: where }),
  });

/** What a part of the disk holds, in bytes of data. */
export interface HeatMap {
  readonly length_bytes: number;
  readonly bucket_bytes: number;
  /** One figure a bucket, in order. */
  readonly allocated: readonly number[];
  /** What differs from `since`; null when that is not known. */
  readonly changed: readonly number[] | null;
  /** The snapshot or backup that `changed` is against. */
  readonly since: string | null;
  /** The snapshot that is drawn; null: the volume as it is now. */
  readonly until: string | null;
  readonly shared: readonly number[];
}

/** Two points of a history; without an end, what is there now, and without a start, the newest. */
export interface Span {
  readonly since?: string;
  readonly until?: string;
}

export const heatMapQuery = (volumeId: string, span: Span) =>
  queryOptions({
    queryKey: ['volumes', volumeId, 'extents', span],
    queryFn: async (): Promise<HeatMap> => {
      const query = { buckets: 512, ...span };
      return (await ask<{ extents: HeatMap }>(`/firn/v1/volumes/${volumeId}/extents`, { query }))
        .extents;
    },
  });

/** A point of a volume's history, and what changed until it since the one before. */
export interface HistoryPoint {
  readonly kind: 'snapshot' | 'backup';
  readonly id: string;
  readonly name: string | null;
  readonly status: string;
  readonly at: string;
  /** Bytes that differ from the point before; null when that cannot be known any more. */
  readonly changed_bytes: number | null;
}

export const historyQuery = (volumeId: string) =>
  queryOptions({
    queryKey: ['volumes', volumeId, 'history'],
    queryFn: async (): Promise<readonly HistoryPoint[]> =>
      (await ask<{ history: HistoryPoint[] }>(`/firn/v1/volumes/${volumeId}/history`)).history,
  });
