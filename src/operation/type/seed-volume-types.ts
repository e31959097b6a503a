import type { Clock } from '../../base/clock.ts';
import { newId } from '../../base/ids.ts';
import type { Catalog } from '../../catalog/catalog.ts';

/** The type of volumes for which none is named, under the name that clients know. */
export const defaultTypeName = '__DEFAULT__';

/** Makes the default volume type, unless it is there. */
export async function seedVolumeTypes(catalog: Catalog, clock: Clock): Promise<void> {
  await catalog.transact(async (transaction) => {
    const found = await transaction.find('volumeTypes', { name: defaultTypeName });
    if (found !== undefined) return;
    await transaction.insert('volumeTypes', {
      id: newId(),
      name: defaultTypeName,
      description: 'Default Volume Type',
      isPublic: true,
      extraSpecs: {},
      qosSpecsId: null,
      createdAt: clock.now(),
      updatedAt: null,
    });
  });
}
