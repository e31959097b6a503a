import { newId } from '../../base/ids.ts';
import type { Catalog } from '../../catalog/catalog.ts';

const settingId = 'installation_id';

/**
 * What a record claims a backup as. Installations that share a store may have records of the same
 * id, so that the id of the installation is part of it; that is made when it is first needed.
 */
export async function claimIdOf(
  catalog: Pick<Catalog, 'transact'>,
  recordId: string,
): Promise<string> {
  const installation = await catalog.transact(async (transaction) => {
    const row = await transaction.find('settings', { id: settingId });
    if (typeof row?.value === 'string') return row.value;
    const value = newId();
    await transaction.insert('settings', { id: settingId, value });
    return value;
  });
  return `${recordId}.${installation}`;
}
