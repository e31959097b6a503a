/** The one pool of volumes, and what it can do (api-ref of Cinder: capabilities and pools). */
import type { FastifyInstance } from 'fastify';
import { isoMicros } from '../../base/clock.ts';
import { OperatingError } from '../../base/errors.ts';
import { showCapacity } from '../../operation/installation/capacity.ts';
import { backendName, poolName, services } from '../../operation/installation/binaries.ts';
import type { OperationNeeds } from '../../operation/needs.ts';
import { parseBool, readQuery, type Query } from '../query.ts';
import type { BlockStorageV3Options } from './options.ts';
import type { ById } from './request.ts';

const abilities = {
  volume_backend_name: backendName,
  storage_protocol: 'nbd',
  vendor_name: 'Firn',
  driver_version: '1.0',
  QoS_support: true,
  thin_provisioning_support: true,
  thick_provisioning_support: false,
  online_extend_support: true,
  multiattach: true,
  sparse_copy_volume: true,
  replication_enabled: false,
  max_over_subscription_ratio: '20.0',
  reserved_percentage: 0,
  consistent_group_snapshot_enabled: true,
} as const;

/** What pools can be filtered by, since 3.28. */
export const poolFilters = { name: poolName, volume_backend_name: backendName };

export function poolRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  app.get('/scheduler-stats/get_pools', async (request) => {
    const query = readQuery(request);
    const action = 'scheduler_extension:scheduler_stats:get_pools';
    const capacity = await showCapacity(operations, request.caller, action);
    const capabilities = {
      ...abilities,
      pool_name: backendName,
      backend_state: 'up',
      total_capacity_gb: capacity.totalGiB,
      free_capacity_gb: capacity.freeGiB,
      allocated_capacity_gb: capacity.provisionedGiB,
      provisioned_capacity_gb: capacity.provisionedGiB,
      total_volumes: capacity.volumeCount,
      filter_function: null,
      goodness_function: null,
      timestamp: isoMicros(operations.clock.now()),
    };
    const detail = parseBool(query, 'detail', false);
    const isMeant = await isAsked(operations, query, request.microversion);
    const pool = { name: poolName, ...(detail ? { capabilities } : {}) };
    return { pools: isMeant ? [pool] : [] };
  });

  app.get('/capabilities/:id', async ({ caller, params }: ById) => {
    await showCapacity(operations, caller, 'volume_extension:capabilities');
    if (![services['cinder-volume'], poolName].includes(params.id)) {
      throw new OperatingError(
        'not_found',
        `Service cinder-volume could not be found on host ${params.id}.`,
      );
    }
    return {
      namespace: `OS::Storage::Capabilities::${services['cinder-volume']}`,
      vendor_name: abilities.vendor_name,
      volume_backend_name: backendName,
      pool_name: backendName,
      driver_version: abilities.driver_version,
      storage_protocol: abilities.storage_protocol,
      display_name: 'Copy-on-write layers',
      description: 'Volumes in copy-on-write layers on the host, served over NBD.',
      visibility: 'public',
      replication_targets: [],
      properties: propertiesOf(),
    };
  });
}

/** Filters are looked at since 3.28, that of a type since 3.35. */
async function isAsked(
  { catalog }: OperationNeeds,
  query: Query,
  microversion: number,
): Promise<boolean> {
  const names = microversion < 28 ? [] : Object.entries(poolFilters);
  if (!names.every(([name, value]) => (query[name] ?? value) === value)) return false;
  const wanted = query['volume_type'];
  if (microversion < 35 || wanted === undefined) return true;
  const type =
    (await catalog.find('volumeTypes', { id: wanted })) ??
    (await catalog.find('volumeTypes', { name: wanted }));
  if (type === undefined) {
    throw new OperatingError('not_found', `Volume type ${wanted} could not be found.`);
  }
  return (type.extraSpecs['volume_backend_name'] ?? backendName) === backendName;
}

function propertiesOf(): object {
  const property = (title: string, description: string, value: boolean): object => ({
    title,
    description,
    type: 'boolean',
    default: value,
  });
  return {
    thin_provisioning: property('Thin provisioning', 'A volume takes what it holds.', true),
    qos: property('QoS', 'Requests and bytes a second are limited by QoS specs.', true),
    compression: property('Compression', 'Volumes are not compressed; backups are.', false),
    replication: property('Replication', 'There is one host.', false),
  };
}
