/**
 * `/types/{id}/encryption` (api-ref of Cinder, volumes-v3-types). A type has one encryption: what
 * stands in the path of a change or a deletion is not looked at, and clients send `provider`.
 */
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { OperatingError } from '../../base/errors.ts';
import {
  createTypeEncryption,
  deleteTypeEncryption,
  showTypeEncryption,
  updateTypeEncryption,
  type EncryptionFields,
} from '../../operation/type/type-encryption.ts';
import { parseBody } from '../body.ts';
import type { BlockStorageV3Options } from './options.ts';
import type { ById, ByKey } from './request.ts';
import { takes } from '../takes.ts';
import { CreateEncryption, UpdateEncryption } from './type-schema.ts';
import { encryptionFieldsView, encryptionView } from './type-view.ts';

type Given = Static<typeof UpdateEncryption>['encryption'];

function fieldsOf(given: Given): Partial<EncryptionFields> {
  const { provider, cipher, key_size: keySize, control_location: controlLocation } = given;
  return {
    ...(provider === undefined ? {} : { provider }),
    ...(cipher === undefined ? {} : { cipher }),
    ...(keySize === undefined ? {} : { keySize }),
    ...(controlLocation === undefined ? {} : { controlLocation }),
  };
}

export function typeEncryptionRoutes(
  app: FastifyInstance,
  { operations }: BlockStorageV3Options,
): void {
  app.get('/types/:id/encryption', async ({ caller, params }: ById) => {
    const row = await showTypeEncryption(operations, caller, params.id);
    return row === undefined ? {} : encryptionView(row);
  });

  app.post(
    '/types/:id/encryption',
    takes(CreateEncryption),
    async ({ caller, params, body }: ById) => {
      const { encryption } = parseBody(CreateEncryption, body);
      const row = await createTypeEncryption(operations, caller, params.id, {
        provider: encryption.provider,
        cipher: encryption.cipher ?? null,
        keySize: encryption.key_size ?? null,
        controlLocation: encryption.control_location,
      });
      return { encryption: encryptionFieldsView(row) };
    },
  );

  app.get('/types/:id/encryption/:key', async ({ caller, params }: ByKey) => {
    const { id, key } = params;
    const row = await showTypeEncryption(operations, caller, id);
    const view = row === undefined ? {} : encryptionView(row);
    if (Object.hasOwn(view, key)) return { [key]: view[key] };
    throw new OperatingError(
      'not_found',
      `Volume type encryption for type ${id} has no key ${key.slice(0, 255)}.`,
    );
  });

  app.put(
    '/types/:id/encryption/:key',
    takes(UpdateEncryption),
    async ({ caller, params, body }: ByKey) => {
      const { encryption } = parseBody(UpdateEncryption, body);
      await updateTypeEncryption(operations, caller, params.id, fieldsOf(encryption));
      return { encryption };
    },
  );

  app.delete('/types/:id/encryption/:key', async ({ caller, params }: ByKey, reply) => {
    await deleteTypeEncryption(operations, caller, params.id);
    return reply.code(202).send();
  });
}
