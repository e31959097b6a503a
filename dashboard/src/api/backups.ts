import { queryOptions } from '@tanstack/react-query';
import type { Backup as ClientBackup } from '../../../src/client/block-storage-schema.ts';
import type { BackupProgress } from '../../../src/client/firn-schema.ts';
import { ask } from './http.ts';
import { type ListQuery, type Page, queryOf } from './page.ts';

export type Backup = ClientBackup & {
  readonly object_count: number;
  readonly data_timestamp: string;
  readonly metadata: Readonly<Record<string, string>>;
};

/** A restore test of a backup, and what it printed. */
export interface Drill {
  readonly outcome: string;
  readonly at: string;
  readonly log: string;
}

/** Where the bytes of a backup are. */
export interface BackupSpace {
  readonly exclusive_bytes: number;
  readonly shared_bytes: number;
  readonly patch_bytes: number;
}

/** A backup as Firn v1 shows it: figures that OpenStack has no word for. */
export type BackupFigures = Omit<BackupProgress, 'verification' | 'copies'> & {
  readonly id: string;
  readonly name: string | null;
  readonly volume_id: string;
  readonly snapshot_id: string | null;
  readonly size: number;
  readonly container: string;
  readonly created_at: string;
  readonly data_timestamp: string;
  readonly fail_reason: string | null;
  readonly parent_id: string | null;
  readonly layer_id: string | null;
  readonly object_count: number;
  readonly percent: number;
  readonly verification?: BackupProgress['verification'];
  readonly drill?: Drill | null;
  readonly space?: BackupSpace | null;
  readonly copies?: BackupProgress['copies'];
};

const base = '/volume/v3/backups';
const firn = '/firn/v1/backups';

export const backupsQuery = (list: ListQuery) =>
  queryOptions({
    queryKey: ['backups', 'page', list],
    queryFn: async ({ signal }): Promise<Page<Backup>> => {
      const query = queryOf(list);
      const answer = await ask<{ backups: Backup[]; count: number }>(`${base}/detail`, {
        query,
        signal,
      });
      return { items: answer.backups, count: answer.count };
    },
  });

export const backupChoicesQuery = (where: Readonly<Record<string, string>>) =>
  queryOptions({
    queryKey: ['backups', 'choices', where],
    queryFn: async (): Promise<readonly Backup[]> =>
      (await ask<{ backups: Backup[] }>(`${base}/detail`, { query: { ...where, limit: 1000 } }))
        .backups,
  });

export const backupQuery = (id: string) =>
  queryOptions({
    queryKey: ['backups', id],
    queryFn: async ({ signal }): Promise<Backup> =>
      (await ask<{ backup: Backup }>(`${base}/${id}`, { signal })).backup,
  });

export const backupFiguresQuery = (id: string) =>
  queryOptions({
    queryKey: ['backups', id, 'figures'],
    queryFn: async ({ signal }): Promise<BackupFigures> =>
      (await ask<{ backup: BackupFigures }>(`${firn}/${id}`, { signal })).backup,
  });

/** Up to a thousand backups with their figures, newest first. */
export const allBackupFiguresQuery = (where: Readonly<Record<string, string>>) =>
  queryOptions({
    queryKey: ['backups', 'figures', where],
    queryFn: async (): Promise<readonly BackupFigures[]> =>
      (await ask<{ backups: BackupFigures[] }>(firn, { query: { ...where, limit: 1000 } })).backups,
  });

export interface NewBackup {
  readonly volume_id: string;
  readonly snapshot_id: string | null;
  readonly name: string;
  readonly description: string;
  readonly container: string | null;
  readonly incremental: boolean;
  readonly force: boolean;
}

export async function createBackup(backup: NewBackup): Promise<{ readonly id: string }> {
  return (await ask<{ backup: { id: string } }>(base, { method: 'POST', body: { backup } })).backup;
}

export async function updateBackup(
  id: string,
  backup: { name?: string; description?: string; metadata?: Readonly<Record<string, string>> },
): Promise<void> {
  await ask(`${base}/${id}`, { method: 'PUT', body: { backup } });
}

export async function deleteBackup(id: string): Promise<void> {
  await ask(`${base}/${id}`, { method: 'DELETE' });
}

export interface Restored {
  readonly volume_id: string;
  readonly volume_name: string | null;
}

/** Into a new volume when `volumeId` is null. */
export async function restoreBackup(id: string, volumeId: string | null): Promise<Restored> {
  const body = { restore: { volume_id: volumeId, name: null } };
  const path = `${base}/${id}/restore`;
  return (await ask<{ restore: Restored }>(path, { method: 'POST', body })).restore;
}

/** The volume can be used at once; its data follows in the background. */
export async function restoreInstantly(id: string, name: string): Promise<Restored> {
  const body = { name, instant: true };
  const path = `${firn}/${id}/restore`;
  return (await ask<{ restore: Restored }>(path, { method: 'POST', body })).restore;
}

export type VerifyDepth = 'objects' | 'blocks' | 'filesystem';

export async function verifyBackup(id: string, depth: VerifyDepth): Promise<void> {
  await ask(`${firn}/${id}/verify`, { method: 'POST', body: { depth } });
}

export async function drillBackup(id: string): Promise<void> {
  await ask(`${firn}/${id}/drill`, { method: 'POST' });
}
