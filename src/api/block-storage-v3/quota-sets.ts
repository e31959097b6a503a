/** Quota sets and limits (api-ref of Cinder, os-quota-sets and limits). */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { quotaResources, type QuotaFigures } from '../../operation/quota.ts';
import {
  defaultQuotas,
  deleteQuotaSet,
  showQuotaSet,
  updateQuotaSet,
} from '../../operation/quota-sets.ts';
import { isAdmin } from '../../operation/scope.ts';
import { authorize } from '../../identity/policy.ts';
import { parseBody } from '../body.ts';
import { parseBool, readQuery } from '../query.ts';
import { exactly } from './fields.ts';
import type { BlockStorageV3Options } from './options.ts';
import type { ById } from './request.ts';

const Limit = Type.Optional(Type.Integer({ minimum: -1, maximum: 0x7fffffff }));

const UpdateQuotaSet = exactly({
  quota_set: Type.Object({
    volumes: Limit,
    snapshots: Limit,
    gigabytes: Limit,
    backups: Limit,
    backup_gigabytes: Limit,
    groups: Limit,
    per_volume_gigabytes: Limit,
  }),
});

/** Each resource's figure as an object, which `usage=true` asks for. */
function usageView(limits: QuotaFigures, usage: QuotaFigures): object {
  const views = quotaResources.map((name) => {
    const view = { limit: limits[name], in_use: usage[name], reserved: 0, allocated: 0 };
    return [name, view] as const;
  });
  return Object.fromEntries(views);
}

export function quotaSetRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  app.get('/os-quota-sets/:id', async (request: ById) => {
    const { id } = request.params;
    const withUsage = parseBool(readQuery(request), 'usage', false);
    const { limits, usage } = await showQuotaSet(operations, request.caller, id);
    return { quota_set: { id, ...(withUsage ? usageView(limits, usage) : limits) } };
  });

  app.get('/os-quota-sets/:id/defaults', async ({ caller, params }: ById) => ({
    quota_set: { id: params.id, ...defaultQuotas(caller) },
  }));

  app.put('/os-quota-sets/:id', async ({ caller, params, body }: ById) => {
    const { quota_set: limits } = parseBody(UpdateQuotaSet, body);
    return { quota_set: await updateQuotaSet(operations, caller, params.id, limits) };
  });

  app.delete('/os-quota-sets/:id', async ({ caller, params }: ById, reply) => {
    await deleteQuotaSet(operations, caller, params.id);
    return reply.code(200).send();
  });
}

export function limitRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  app.get('/limits', async (request) => {
    const { caller } = request;
    authorize(caller, 'limits_extension:used_limits');
    const query = readQuery(request);
    const asked = query['project_id'] ?? query['tenant_id'];
    const projectId = asked !== undefined && isAdmin(caller) ? asked : caller.projectId;
    const { limits, usage } = await showQuotaSet(operations, caller, projectId);
    return {
      limits: {
        rate: [],
        absolute: {
          maxTotalVolumes: limits.volumes,
          maxTotalVolumeGigabytes: limits.gigabytes,
          maxTotalSnapshots: limits.snapshots,
          maxTotalBackups: limits.backups,
          maxTotalBackupGigabytes: limits.backup_gigabytes,
          totalVolumesUsed: usage.volumes,
          totalGigabytesUsed: usage.gigabytes,
          totalSnapshotsUsed: usage.snapshots,
          totalBackupsUsed: usage.backups,
          totalBackupGigabytesUsed: usage.backup_gigabytes,
        },
      },
    };
  });
}
