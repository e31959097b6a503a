/** Snapshots and backups that are read over NBD. */
import { queryOptions } from '@tanstack/react-query';
import { ask } from './http.ts';

/** What is exported. */
export interface Exported {
  readonly kind: 'snapshot' | 'backup';
  readonly id: string;
}

export interface Export {
  readonly id: string;
  readonly host: string | null;
  readonly connections: number;
  /** The address is for members alone. */
  readonly uri?: string;
  readonly unix_uri?: string;
}

const pathOf = ({ kind, id }: Exported): string => `/firn/v1/${kind}s/${id}/exports`;

export const exportsQuery = (of: Exported) =>
  queryOptions({
    queryKey: [`${of.kind}_exports`, of.id],
    queryFn: async (): Promise<readonly Export[]> =>
      (await ask<{ exports: Export[] }>(pathOf(of))).exports,
  });

/** Makes it readable over NBD for whoever knows the address. */
export async function startExport(of: Exported, host: string): Promise<Export> {
  const body = { export: { host } };
  return (await ask<{ export: Export }>(pathOf(of), { method: 'POST', body })).export;
}

export async function endExport(of: Exported, exportId: string): Promise<void> {
  await ask(`${pathOf(of)}/${exportId}`, { method: 'DELETE' });
}
