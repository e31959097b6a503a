/** `os-services`, `os-hosts` and clusters (api-ref of Cinder, os-services and clusters). */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { isoMicros } from '../../base/clock.ts';
import { OperatingError } from '../../base/errors.ts';
import { authorize } from '../../identity/policy.ts';
import { availabilityZone } from '../../operation/availability-zones.ts';
import {
  listServices,
  switchService,
  type ServiceFacts,
} from '../../operation/installation/binaries.ts';
import { usageOfHost } from '../../operation/installation/host-usage.ts';
import { noSuchRoute } from '../errors.ts';
import { parseBody } from '../body.ts';
import { readQuery } from '../query.ts';
import { exactly, orNull } from './fields.ts';
import { GetLog, logLevels, SetLog, setLogLevel } from './log-levels.ts';
import type { BlockStorageV3Options } from './options.ts';
import { since, type ById } from './request.ts';
import { takes } from '../takes.ts';

const Host = Type.String({ minLength: 1, maxLength: 255 });
const Text = Type.Optional(orNull(Type.String({ maxLength: 255 })));
/** Clients name the service by `binary`, older ones by `service`. */
const names = { host: Host, binary: Text, service: Text };

export const SwitchService = exactly({ ...names, disabled_reason: Text, cluster: Text });
export const DisableWithReason = exactly({
  ...names,
  disabled_reason: Type.String({ minLength: 1, maxLength: 255, pattern: '\\S' }),
});
export const FreezeHost = exactly({ host: Type.Optional(Host), cluster: Text });

function serviceView(facts: ServiceFacts, microversion: number, now: number): object {
  const isVolume = facts.binary === 'cinder-volume';
  return {
    binary: facts.binary,
    host: facts.host,
    zone: availabilityZone,
    status: facts.disabled ? 'disabled' : 'enabled',
    state: 'up',
    updated_at: isoMicros(now),
    disabled_reason: facts.disabledReason,
    ...(isVolume ? { replication_status: 'disabled', active_backend_id: null } : {}),
    ...(isVolume ? { frozen: facts.disabledReason === frozen } : {}),
    ...(microversion >= 7 ? { cluster: null } : {}),
    ...(microversion >= 49 && isVolume ? { backend_state: 'up' } : {}),
  };
}

const frozen = 'frozen';

export function serviceRoutes(app: FastifyInstance, options: BlockStorageV3Options): void {
  const { operations } = options;
  app.get('/os-services', async (request) => {
    const { host, binary, service } = readQuery(request);
    const wanted = { host, binary: binary ?? service };
    const found = await listServices(operations, request.caller, wanted);
    const now = operations.clock.now();
    return { services: found.map((facts) => serviceView(facts, request.microversion, now)) };
  });

  app.put(
    '/os-services/:id',
    takes(SwitchService, DisableWithReason, FreezeHost, GetLog, SetLog),
    async (request: ById, reply) => {
      const { caller, params, body, microversion } = request;
      if (microversion >= 32 && (params.id === 'get-log' || params.id === 'set-log')) {
        authorize(caller, 'volume_extension:services:update');
        if (params.id === 'get-log') return logLevels(body, app.log);
        setLogLevel(body, app.log);
        return reply.code(202).send();
      }
      if (params.id === 'freeze' || params.id === 'thaw') {
        const { host } = parseBody(FreezeHost, body);
        const disabled = params.id === 'freeze';
        const reason = disabled ? frozen : null;
        const wanted = { host: host ?? '', binary: null, disabled, reason };
        await switchService(operations, caller, wanted);
        return {};
      }
      const facts = await switchService(
        operations,
        caller,
        switchIn(params.id, body, microversion),
      );
      return {
        host: facts.host,
        service: facts.binary,
        binary: facts.binary,
        disabled: facts.disabled,
        status: facts.disabled ? 'disabled' : 'enabled',
        ...(params.id === 'disable-log-reason' ? { disabled_reason: facts.disabledReason } : {}),
      };
    },
  );

  hostRoutes(app, options);
}

function switchIn(
  verb: string,
  body: unknown,
  microversion: number,
): Parameters<typeof switchService>[2] {
  if (verb === 'enable' || verb === 'disable') {
    const { host, binary, service } = parseBody(SwitchService, body);
    const named = binary ?? service ?? null;
    return { host, binary: named, disabled: verb === 'disable', reason: null };
  }
  if (verb === 'disable-log-reason') {
    const given = parseBody(DisableWithReason, body);
    const named = given.binary ?? given.service ?? null;
    return { host: given.host, binary: named, disabled: true, reason: given.disabled_reason };
  }
  if (verb === 'failover_host' || (verb === 'failover' && microversion >= 26)) {
    throw new OperatingError(
      'invalid_state',
      'Invalid host: the back end is not replicated, so there is nothing to fail over to.',
    );
  }
  throw noSuchRoute();
}

/** One host, which is in no cluster. */
function hostRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  app.get('/os-hosts', async ({ caller }) => {
    authorize(caller, 'volume_extension:hosts');
    const found = await listServices(operations, caller, { host: undefined, binary: undefined });
    const now = operations.clock.now();
    return {
      hosts: found.map((facts) => ({
        host_name: facts.host,
        service: facts.binary,
        zone: availabilityZone,
        'service-status': 'available',
        'service-state': facts.disabled ? 'disabled' : 'enabled',
        'last-update': isoMicros(now),
      })),
    };
  });

  app.get('/os-hosts/:id', async ({ caller, params: { id: host } }: ById) => {
    const usage = await usageOfHost(operations, caller, host);
    return {
      host: usage.map(({ projectId, ...of }) => ({
        resource: {
          host,
          project: projectId ?? '(total)',
          volume_count: String(of.volumeCount),
          total_volume_gb: String(of.volumesGiB),
          snapshot_count: String(of.snapshotCount),
          total_snapshot_gb: String(of.snapshotsGiB),
        },
      })),
    };
  });

  for (const path of ['/clusters', '/clusters/detail']) {
    app.get(path, async (request) => {
      since(request, 7);
      authorize(request.caller, 'volume_extension:services:index');
      return { clusters: [] };
    });
  }

  app.get('/clusters/:id', async (request: ById) => {
    since(request, 7);
    authorize(request.caller, 'volume_extension:services:index');
    throw new OperatingError('not_found', `Cluster ${request.params.id} could not be found.`);
  });
}
