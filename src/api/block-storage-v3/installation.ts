/** What there is of this installation itself: zones and extensions. */
import type { FastifyInstance } from 'fastify';
import { availabilityZone } from '../../operation/availability-zones.ts';

/** The parts of Cinder's API that clients ask for by their alias, of those that are served. */
const extensions = [
  ['AdminActions', 'os-admin-actions', 'Enable admin actions.'],
  ['AvailabilityZones', 'os-availability-zone', 'Describe Availability Zones.'],
  ['Backups', 'backups', 'Backups support.'],
  ['ExtendedSnapshotAttributes', 'os-extended-snapshot-attributes', 'Snapshot attributes.'],
  ['Capabilities', 'capabilities', 'Capabilities support.'],
  ['Hosts', 'os-hosts', 'Admin-only host administration.'],
  ['Qos_specs_manage', 'qos-specs', 'QoS specs support.'],
  ['QuotaClasses', 'os-quota-class-sets', 'Quota classes management support.'],
  ['Quotas', 'os-quota-sets', 'Quota management support.'],
  ['SchedulerStats', 'scheduler-stats', 'Scheduler stats support.'],
  ['Services', 'os-services', 'Services support.'],
  ['TypesExtraSpecs', 'os-types-extra-specs', 'Type extra specs support.'],
  ['TypesManage', 'os-types-manage', 'Types manage support.'],
  ['UsedLimits', 'os-used-limits', 'Provide data on limited resources that are being used.'],
  ['VolumeTypeAccess', 'os-volume-type-access', 'Volume type access support.'],
  ['VolumeTypeEncryption', 'encryption', 'Encryption support for volume types.'],
  ['VolumeTransfer', 'os-volume-transfer', 'Volume transfer management support.'],
  ['VolumeImageMetadata', 'os-vol-image-meta', 'Show image metadata of volumes.'],
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

export function installationRoutes(app: FastifyInstance): void {
  app.get('/os-availability-zone', async () => ({
    availabilityZoneInfo: [{ zoneName: availabilityZone, zoneState: { available: true } }],
  }));

  app.get('/extensions', async () => ({ extensions: extensions.map(extensionView) }));
}
