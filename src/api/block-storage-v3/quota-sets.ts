/** Quota sets, quota classes and limits (api-ref of Cinder, os-quota-sets and others). */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import {
  defaultQuotas,
  deleteQuotaSet,
  showQuotaClass,
  showQuotaSet,
  showWholeQuotaSet,
  updateQuotaClass,
  updateQuotaSet,
  type AllFigures,
} from '../../operation/quota-sets.ts';
import { isAdmin } from '../../operation/scope.ts';
import { authorize } from '../../identity/policy.ts';
import { parseBody } from '../body.ts';
import { parseBool, readQuery } from '../query.ts';
import { exactly } from './fields.ts';
import type { BlockStorageV3Options } from './options.ts';
import type { ById } from './request.ts';
import { takes } from '../takes.ts';

/** A figure, also as digits. */
const Limit = Type.Union([
  Type.Integer({ minimum: -1, maximum: 0x7fffffff }),
  Type.String({ pattern: '^(?:-1|[0-9]{1,9})$' }),
]);

/** Clients send the project beside the limits. */
const About = Type.Optional(Type.Union([Type.String({ maxLength: 255 }), Type.Null()]));
const Limits = Type.Object(
  { tenant_id: About, id: About, class_name: About },
  { additionalProperties: Limit, minProperties: 1, maxProperties: 256 },
);

export const UpdateQuotaSet = exactly({ quota_set: Limits });
export const UpdateQuotaClass = exactly({ quota_class_set: Limits });

function limitsIn(given: Readonly<Record<string, unknown>>): AllFigures {
  const about: readonly string[] = ['tenant_id', 'id', 'class_name'];
  const limits = Object.entries(given).filter(([name]) => !about.includes(name));
  return Object.fromEntries(limits.map(([name, limit]) => [name, Number(limit)]));
}

/** Each resource's figure as an object, which `usage=true` asks for. */
function usageView(limits: AllFigures, usage: AllFigures): object {
  const views = Object.entries(limits).map(([name, limit]) => {
    const view = { limit, in_use: usage[name] ?? 0, reserved: 0, allocated: 0 };
    return [name, view] as const;
  });
  return Object.fromEntries(views);
}

export function quotaSetRoutes(app: FastifyInstance, options: BlockStorageV3Options): void {
  const { operations } = options;
  app.get('/os-quota-sets/:id', async (request: ById) => {
    const { id } = request.params;
    const usage = parseBool(readQuery(request), 'usage', false);
    const set = await showWholeQuotaSet(operations, request.caller, id, { usage });
    return { quota_set: { id, ...(usage ? usageView(set.limits, set.usage) : set.limits) } };
  });

  app.get('/os-quota-sets/:id/defaults', async ({ caller, params }: ById) => ({
    quota_set: { id: params.id, ...(await defaultQuotas(operations, caller)) },
  }));

  app.put('/os-quota-sets/:id', takes(UpdateQuotaSet), async ({ caller, params, body }: ById) => {
    const limits = limitsIn(parseBody(UpdateQuotaSet, body).quota_set);
    return { quota_set: await updateQuotaSet(operations, caller, params.id, limits) };
  });

  app.delete('/os-quota-sets/:id', async ({ caller, params }: ById, reply) => {
    await deleteQuotaSet(operations, caller, params.id);
    return reply.code(200).send();
  });

  quotaClassRoutes(app, options);
}

function quotaClassRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  const at = '/os-quota-class-sets/:id';
  app.get(at, async ({ caller, params }: ById) => ({
    quota_class_set: { id: params.id, ...(await showQuotaClass(operations, caller, params.id)) },
  }));

  app.put(at, takes(UpdateQuotaClass), async ({ caller, params, body }: ById) => {
    const limits = limitsIn(parseBody(UpdateQuotaClass, body).quota_class_set);
    return { quota_class_set: await updateQuotaClass(operations, caller, params.id, limits) };
  });
}

export function limitRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  app.get('/limits', async (request) => {
    const { caller } = request;
    authorize(caller, 'limits_extension:used_limits');
    const query = readQuery(request);
    const others = request.microversion >= 39 && isAdmin(caller);
    const asked = others ? (query['project_id'] ?? query['tenant_id']) : undefined;
    const projectId = asked ?? caller.projectId;
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
