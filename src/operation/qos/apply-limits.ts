/**
 * Limits of performance on their way from QoS specs to the data plane. They are worked out from the
 * catalogue and handed over after each change there; who hands them over looks afterwards whether
 * they are still so, so that of two changes at once the later one holds.
 */
import { isDeepStrictEqual } from 'node:util';
import { everyProject, type CatalogReader } from '../../catalog/catalog.ts';
import type { Metadata, QosSpecsRow } from '../../catalog/tables.ts';
import type { PerformanceLimits } from '../../nbd/exports.ts';
import { everyRow } from '../../catalog/every-row.ts';
import type { OperationNeeds } from '../needs.ts';
import { byId } from '../scope.ts';
import { clientSpecs, limitsFor } from './limits.ts';

type Needs = Pick<OperationNeeds, 'catalog' | 'exports'>;

/** Hands a volume's limits to the data plane. One that is gone has none. */
export async function applyLimits({ catalog, exports }: Needs, volumeId: string): Promise<void> {
  for (;;) {
    const limits = await limitsOf(catalog, volumeId);
    await exports.limit(volumeId, limits);
    if (isDeepStrictEqual(await limitsOf(catalog, volumeId), limits)) return;
  }
}

async function limitsOf(reader: CatalogReader, volumeId: string): Promise<PerformanceLimits> {
  const found = await specsOf(reader, volumeId);
  if (found === undefined || found.specs.consumer === 'front-end') return {};
  return limitsFor(found.specs.specs, found.sizeGiB);
}

/** What a hypervisor is told to enforce itself; null when that is nothing. */
export async function clientSpecsOf(
  reader: CatalogReader,
  volumeId: string,
): Promise<Metadata | null> {
  const found = await specsOf(reader, volumeId);
  if (found === undefined || found.specs.consumer === 'back-end') return null;
  return clientSpecs(found.specs.specs, found.sizeGiB);
}

async function specsOf(
  reader: CatalogReader,
  volumeId: string,
): Promise<{ specs: QosSpecsRow; sizeGiB: number } | undefined> {
  const volume = await reader.find('volumes', byId(volumeId));
  if (volume === undefined) return undefined;
  const type = await reader.find('volumeTypes', { id: volume.volumeTypeId });
  if (type === undefined || type.qosSpecsId === null) return undefined;
  const specs = await reader.find('qosSpecs', { id: type.qosSpecsId });
  return specs === undefined ? undefined : { specs, sizeGiB: volume.size };
}

/** Hands over the limits of every volume that clients may use just now. */
export async function applyAllLimits(needs: Needs): Promise<void> {
  const where = { projectId: everyProject, exportName: { not: null } } as const;
  const volumeIds = new Set<string>();
  for await (const row of everyRow(needs.catalog, 'attachments', where)) {
    volumeIds.add(row.volumeId);
  }
  for (const volumeId of volumeIds) await applyLimits(needs, volumeId);
}
