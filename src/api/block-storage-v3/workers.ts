/** `workers/cleanup` (3.24; api-ref of Cinder, worker-cleanup). */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { services } from '../../operation/installation/binaries.ts';
import { cleanUpWorkers } from '../../operation/installation/clean-up-workers.ts';
import { invalidInput } from '../../operation/volume/find-volume.ts';
import { parseBody } from '../body.ts';
import { takes } from '../takes.ts';
import { Bool, exactly, orNull, toBool, Uuid } from './fields.ts';
import type { BlockStorageV3Options } from './options.ts';
import { since } from './request.ts';

const Text = Type.Optional(orNull(Type.String({ maxLength: 255 })));

const CleanUpWorkers = exactly({
  cluster_name: Text,
  host: Text,
  binary: Type.Optional(Type.Enum(['cinder-volume', 'cinder-scheduler'])),
  disabled: Type.Optional(Bool),
  is_up: Type.Optional(Bool),
  resource_id: Type.Optional(orNull(Uuid)),
  resource_type: Type.Optional(orNull(Type.String({ maxLength: 40 }))),
  service_id: Type.Optional(
    orNull(Type.Union([Type.Integer(), Type.String({ pattern: '^[0-9]{0,11}$' })])),
  ),
});

const resourceTypes = ['Snapshot', 'Volume'];

export function workerRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  app.post('/workers/cleanup', takes(CleanUpWorkers), async (request, reply) => {
    since(request, 24);
    const given = parseBody(CleanUpWorkers, request.body ?? {});
    const type = given.resource_type ?? '';
    if (type !== '' && !resourceTypes.some((one) => one.toLowerCase() === type.toLowerCase())) {
      const valid = resourceTypes.join(' or ');
      throw invalidInput(`Resource type ${type} not valid, must be ${valid}`, 'resource_type');
    }
    const found = await cleanUpWorkers(operations, request.caller, {
      host: given.host ?? undefined,
      binary: given.binary,
      disabled: given.disabled === undefined ? undefined : toBool(given.disabled),
      isUp: toBool(given.is_up) && (given.cluster_name ?? '') === '',
      resourceId: given.resource_id ?? undefined,
    });
    const id = String(given.service_id ?? '');
    const cleaning = found
      .map(({ binary, host }) => ({ id: idOf(binary), host, binary, cluster_name: null }))
      .filter((service) => id === '' || String(service.id) === id);
    reply.code(202);
    return { cleaning, unavailable: [] };
  });
}

/** Cinder counts its services; here the number is the place in the list of them. */
function idOf(binary: string): number {
  return Object.keys(services).indexOf(binary) + 1;
}
