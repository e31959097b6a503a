import { newId } from '../../base/ids.ts';
import type { Catalog } from '../../catalog/catalog.ts';

const settingId = 'installation_id';

/** The id of this installation, which its catalogue keeps; it is made when it is first needed. */
export function installationIdOf(catalog: Pick<Catalog, 'transact'>): Promise<string> {
  return catalog.transact(async (transaction) => {
    const row = await transaction.find('settings', { id: settingId });
    if (typeof row?.value === 'string') return row.value;
    const value = newId();
    await transaction.insert('settings', { id: settingId, value });
    return value;
  });
}

/**
 * What a record claims a backup as. Installations that share a store may have records of the same
 * id, so that the id of the installation is part of it.
 */
export async function claimIdOf(
  catalog: Pick<Catalog, 'transact'>,
  recordId: string,
): Promise<string> {
  return claimOf(recordId, await installationIdOf(catalog));
}

export function claimOf(recordId: string, installationId: string): string {
  return `${recordId}.${installationId}`;
}
