/** `/types/{id}/extra_specs` (api-ref of Cinder, volumes-v3-types). */
import type { FastifyInstance } from 'fastify';
import { OperatingError } from '../../base/errors.ts';
import type { Metadata } from '../../catalog/tables.ts';
import { editExtraSpecs } from '../../operation/type/change-volume-types.ts';
import { showVolumeType } from '../../operation/type/volume-types.ts';
import { parseBody } from '../body.ts';
import type { BlockStorageV3Options } from './options.ts';
import type { ById, ByKey } from './request.ts';
import { takes } from '../takes.ts';
import { ExtraSpec, ExtraSpecs } from './type-schema.ts';
import { extraSpecsFor } from './type-view.ts';

export function extraSpecRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  app.get('/types/:id/extra_specs', async ({ caller, params }: ById) => {
    const { extraSpecs } = await showVolumeType(operations, caller, params.id);
    return { extra_specs: extraSpecsFor(caller, extraSpecs) };
  });

  app.post('/types/:id/extra_specs', takes(ExtraSpecs), async ({ caller, params, body }: ById) => {
    const { extra_specs: given } = parseBody(ExtraSpecs, body);
    const action = 'volume_extension:types_extra_specs:create';
    const merge = (now: Metadata): Metadata => ({ ...now, ...given });
    await editExtraSpecs(operations, caller, action, params.id, merge);
    return { extra_specs: given };
  });

  app.get('/types/:id/extra_specs/:key', async ({ caller, params }: ByKey) => {
    const { extraSpecs } = await showVolumeType(operations, caller, params.id);
    return { [params.key]: specOf(extraSpecsFor(caller, extraSpecs), params) };
  });

  app.put(
    '/types/:id/extra_specs/:key',
    takes(ExtraSpec),
    async ({ caller, params, body }: ByKey) => {
      const { key } = params;
      const given = parseBody(ExtraSpec, body);
      const value = given[key];
      if (value === undefined) {
        throw new OperatingError('invalid_input', 'Request body and URI mismatch', { field: key });
      }
      if (Object.keys(given).length > 1) {
        const message = 'Request body contains too many items';
        throw new OperatingError('invalid_input', message, { field: key });
      }
      const action = 'volume_extension:types_extra_specs:update';
      const set = (now: Metadata): Metadata => ({ ...now, [key]: value });
      await editExtraSpecs(operations, caller, action, params.id, set);
      return { [key]: value };
    },
  );

  app.delete('/types/:id/extra_specs/:key', async ({ caller, params }: ByKey, reply) => {
    const action = 'volume_extension:types_extra_specs:delete';
    await editExtraSpecs(operations, caller, action, params.id, (now) => {
      specOf(now, params);
      return Object.fromEntries(Object.entries(now).filter(([name]) => name !== params.key));
    });
    return reply.code(202).send();
  });
}

function specOf(extraSpecs: Metadata, { id, key }: { id: string; key: string }): string {
  const value = Object.hasOwn(extraSpecs, key) ? extraSpecs[key] : undefined;
  if (value !== undefined) return value;
  const message = `Volume Type ${id} has no extra specs with key ${key.slice(0, 255)}.`;
  throw new OperatingError('not_found', message);
}
