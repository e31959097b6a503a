/** Volumes that are handed to another project. */
import { queryOptions } from '@tanstack/react-query';
import { ask } from './http.ts';

export interface Transfer {
  readonly id: string;
  readonly name: string | null;
  readonly volume_id: string;
  readonly created_at: string;
  /** Told once, when the transfer is made. */
  readonly auth_key?: string;
}

const base = '/volume/v3/volume-transfers';

export const transfersQuery = queryOptions({
  queryKey: ['transfers'],
  queryFn: async (): Promise<readonly Transfer[]> =>
    (await ask<{ transfers: Transfer[] }>(`${base}/detail`)).transfers,
});

export async function createTransfer(volumeId: string, name: string): Promise<Transfer> {
  const body = { transfer: { volume_id: volumeId, name } };
  return (await ask<{ transfer: Transfer }>(base, { method: 'POST', body })).transfer;
}

export async function acceptTransfer(id: string, authKey: string): Promise<Transfer> {
  const body = { accept: { auth_key: authKey } };
  const path = `${base}/${encodeURIComponent(id)}/accept`;
  return (await ask<{ transfer: Transfer }>(path, { method: 'POST', body })).transfer;
}

export async function cancelTransfer(id: string): Promise<void> {
  await ask(`${base}/${id}`, { method: 'DELETE' });
}
