/** Which filters the lists of resources know, out of the lists themselves (3.33). */
import type { FastifyInstance } from 'fastify';
import { readQuery } from '../query.ts';
import { backupList } from './backups.ts';
import { attachmentList } from './attachments.ts';
import { groupSnapshotList } from './group-snapshots.ts';
import { groupList } from './groups.ts';
import { messageList } from './messages.ts';
import { poolFilters } from './pools.ts';
import { since } from './request.ts';
import { snapshotList } from './snapshots.ts';
import { typeList52 } from './types.ts';
import { volumeList } from './volumes.ts';

const resources: readonly (readonly [string, object])[] = [
  ['volume', volumeList.filters],
  ['backup', backupList.filters],
  ['snapshot', snapshotList.filters],
  ['group', groupList.filters],
  ['group_snapshot', groupSnapshotList.filters],
  ['attachment', attachmentList.filters],
  ['message', messageList.filters],
  ['pool', poolFilters],
  ['volume_type', typeList52.filters],
];

export function resourceFilterRoutes(app: FastifyInstance): void {
  app.get('/resource_filters', async (request) => {
    since(request, 33);
    const { resource: asked } = readQuery(request);
    const shown = resources.filter(([name]) => asked === undefined || asked === name);
    return {
      resource_filters: shown.map(([resource, filters]) => ({
        resource,
        filters: Object.keys(filters),
      })),
    };
  });
}
