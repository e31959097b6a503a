import type { Where } from '../../catalog/catalog.ts';
import type { TransferRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Reading } from '../needs.ts';
import { readPage, type PageOf, type PageRequest } from '../page.ts';
import { listScope, scopeOf, type Projects } from '../scope.ts';
import { findTransfer } from './offer-transfer.ts';

export interface TransferList extends PageRequest<'transfers'> {
  readonly where: Omit<Where<'transfers'>, 'projectId'>;
  readonly projects: Projects;
}

/** The offers that the caller's project has made. */
export async function listTransfers(
  { catalog }: Reading,
  caller: Caller,
  list: TransferList,
): Promise<PageOf<'transfers'>> {
  authorize(caller, 'volume:get_all_transfers');
  const projectId = listScope(caller, list.projects);
  return await readPage(catalog, 'transfers', { ...list.where, projectId }, list, (id) =>
    catalog.find('transfers', { id, projectId: scopeOf(caller) }),
  );
}

export async function showTransfer(
  { catalog }: Reading,
  caller: Caller,
  transferId: string,
): Promise<TransferRow> {
  authorize(caller, 'volume:get_transfer');
  return await findTransfer(catalog, caller, transferId);
}
