/** What there is of this installation itself: zones, services, pools, extensions. */
import type { FastifyInstance } from 'fastify';
import { isoMicros } from '../../base/clock.ts';
import { authorize } from '../../identity/policy.ts';
import { availabilityZone } from '../../operation/availability-zones.ts';
import { parseBool, readQuery } from '../query.ts';
import type { BlockStorageV3Options } from './options.ts';

/** The one process does the work of these three services of Cinder. */
const binaries = ['cinder-scheduler', 'cinder-volume', 'cinder-backup'] as const;

const hostName = 'firn';
const poolName = 'firn@layers#layers';

/** The parts of Cinder's API that clients ask for by their alias, of those that are served. */
const extensions = [
  ['AdminActions', 'os-admin-actions', 'Enable admin actions.'],
  ['AvailabilityZones', 'os-availability-zone', 'Describe Availability Zones.'],
  ['Backups', 'backups', 'Backups support.'],
  ['ExtendedSnapshotAttributes', 'os-extended-snapshot-attributes', 'Snapshot attributes.'],
  ['Quotas', 'os-quota-sets', 'Quota management support.'],
  ['SchedulerStats', 'scheduler-stats', 'Scheduler stats support.'],
  ['Services', 'os-services', 'Services support.'],
  ['TypesExtraSpecs', 'os-types-extra-specs', 'Type extra specs support.'],
  ['TypesManage', 'os-types-manage', 'Types manage support.'],
  ['UsedLimits', 'os-used-limits', 'Provide data on limited resources that are being used.'],
  ['VolumeActions', 'os-volume-actions', 'Enable volume actions.'],
  ['VolumeTenantAttribute', 'os-vol-tenant-attr', "Expose the owning project's id."],
] as const;

const extensionView = ([name, alias, description]: (typeof extensions)[number]): object => ({
  name,
  alias,
  description,
  updated: '2011-06-29T00:00:00+00:00',
  links: [],
});

export function installationRoutes(
  app: FastifyInstance,
  { operations }: BlockStorageV3Options,
): void {
  app.get('/os-availability-zone', async () => ({
    availabilityZoneInfo: [{ zoneName: availabilityZone, zoneState: { available: true } }],
  }));

  app.get('/extensions', async () => ({ extensions: extensions.map(extensionView) }));

  app.get('/os-services', async (request) => {
    authorize(request.caller, 'volume_extension:services:index');
    const { host, binary } = readQuery(request);
    const shown = binaries.filter(
      (name) => (binary === undefined || name === binary) && (host ?? hostName) === hostName,
    );
    const { microversion } = request;
    return {
      services: shown.map((name) => ({
        binary: name,
        host: name === 'cinder-volume' ? `${hostName}@layers` : hostName,
        zone: availabilityZone,
        status: 'enabled',
        state: 'up',
        updated_at: isoMicros(operations.clock.now()),
        disabled_reason: null,
        ...(microversion >= 7 ? { cluster: null } : {}),
        ...(microversion >= 49 && name === 'cinder-volume' ? { backend_state: 'up' } : {}),
      })),
    };
  });

  app.get('/scheduler-stats/get_pools', async (request) => {
    authorize(request.caller, 'scheduler_extension:scheduler_stats:get_pools');
    const detail = parseBool(readQuery(request), 'detail', false);
    const capabilities = {
      volume_backend_name: 'layers',
      storage_protocol: 'nbd',
      vendor_name: 'Firn',
      thin_provisioning_support: true,
      online_extend_support: true,
      multiattach: true,
      total_capacity_gb: 'unknown',
      free_capacity_gb: 'unknown',
    };
    return { pools: [{ name: poolName, ...(detail ? { capabilities } : {}) }] };
  });
}
