import type { Clock } from '../../base/clock.ts';
import { newId } from '../../base/ids.ts';
import type { Catalog } from '../../catalog/catalog.ts';

/**
 * The group type that there is from the start, under the name that Cinder gives to its own. Cinder
 * keeps it for groups that were consistency groups before; here it serves for any group.
 */
export const defaultGroupTypeName = 'default_cgsnapshot_type';

/** Says that group snapshots are of one instant, as all are here. */
export const consistentSnapshots = { consistent_group_snapshot_enabled: '<is> True' } as const;

/** Makes the default group type, unless it is there. */
export async function seedGroupTypes(catalog: Catalog, clock: Clock): Promise<void> {
  await catalog.transact(async (transaction) => {
    const found = await transaction.find('groupTypes', { name: defaultGroupTypeName });
    if (found !== undefined) return;
    await transaction.insert('groupTypes', {
      id: newId(),
      name: defaultGroupTypeName,
      description: 'Default group type: snapshots of one instant',
      isPublic: true,
      groupSpecs: { ...consistentSnapshots },
      createdAt: clock.now(),
      updatedAt: null,
    });
  });
}
