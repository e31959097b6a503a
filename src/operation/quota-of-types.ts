/** Quotas of single volume types: `volumes_<type>` and the like; no limit unless one is set. */
import { everyProject, type CatalogReader, type CatalogWriter } from '../catalog/catalog.ts';
import type { VolumeTypeRow } from '../catalog/tables.ts';

export const resourcesOfTypes = ['volumes', 'snapshots', 'gigabytes'] as const;

type ResourceOfType = (typeof resourcesOfTypes)[number];
type Named = Pick<VolumeTypeRow, 'name'>;

export function resourceOfType(resource: ResourceOfType, { name }: Named): string {
  return `${resource}_${name}`;
}

/** A project's limits of one type; −1: none. */
export async function limitsOfType(
  reader: CatalogReader,
  projectId: string,
  type: Named,
): Promise<Record<ResourceOfType, number>> {
  const names = resourcesOfTypes.map((resource) => resourceOfType(resource, type));
  const own = await reader.list('quotas', { where: { projectId, resource: names }, limit: 10 });
  const where = { className: 'default', resource: names };
  const everybodys = await reader.list('quotaClasses', { where, limit: 10 });
  const limitOf = (resource: ResourceOfType): number => {
    const name = resourceOfType(resource, type);
    const row = [...own, ...everybodys].find((each) => each.resource === name);
    return row?.hardLimit ?? -1;
  };
  return {
    volumes: limitOf('volumes'),
    snapshots: limitOf('snapshots'),
    gigabytes: limitOf('gigabytes'),
  };
}

/** The quotas of a type go on under its new name. */
export async function renameQuotas(
  transaction: CatalogWriter,
  from: Named,
  to: Named,
): Promise<void> {
  for (const resource of resourcesOfTypes) {
    const where = { projectId: everyProject, resource: resourceOfType(resource, from) } as const;
    const name = resourceOfType(resource, to);
    for (;;) {
      const rows = await transaction.list('quotas', { where, limit: 1000 });
      for (const row of rows) {
        await transaction.remove('quotas', { id: row.id, projectId: row.projectId });
        const id = `${row.projectId}:${name}`;
        await transaction.insert('quotas', { ...row, id, resource: name });
      }
      if (rows.length === 0) break;
    }
    const classes = { resource: where.resource };
    for (const row of await transaction.list('quotaClasses', { where: classes, limit: 1000 })) {
      await transaction.remove('quotaClasses', { id: row.id });
      const id = `${row.className}:${name}`;
      await transaction.insert('quotaClasses', { ...row, id, resource: name });
    }
  }
}

/** A type is gone, and its quotas with it. */
export async function removeQuotas(transaction: CatalogWriter, type: Named): Promise<void> {
  for (const resource of resourcesOfTypes) {
    const name = resourceOfType(resource, type);
    await transaction.remove('quotas', { projectId: everyProject, resource: name });
    await transaction.remove('quotaClasses', { resource: name });
  }
}
