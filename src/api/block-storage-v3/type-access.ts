/** Which projects may use volume types, and the types that are the defaults of projects. */
import type { FastifyInstance } from 'fastify';
import {
  listDefaultTypes,
  type NamedProject,
  setDefaultType,
  showDefaultType,
  unsetDefaultType,
} from '../../operation/type/default-types.ts';
import {
  addTypeAccess,
  listTypeAccess,
  removeTypeAccess,
} from '../../operation/type/type-access.ts';
import type { DefaultTypeRow } from '../../catalog/tables.ts';
import { parseBody } from '../body.ts';
import type { BlockStorageV3Options } from './options.ts';
import { actionOf, noSuchAction, since, type ById } from './request.ts';
import { takes } from '../takes.ts';
import { AddProjectAccess, RemoveProjectAccess, SetDefaultType } from './type-schema.ts';

export function typeAccessRoutes(
  app: FastifyInstance,
  { operations }: BlockStorageV3Options,
): void {
  app.get('/types/:id/os-volume-type-access', async ({ caller, params }: ById) => {
    const rows = await listTypeAccess(operations, caller, params.id);
    return {
      volume_type_access: rows.map((row) => ({
        volume_type_id: row.volumeTypeId,
        project_id: row.projectId,
      })),
    };
  });

  app.post(
    '/types/:id/action',
    takes(AddProjectAccess, RemoveProjectAccess),
    async ({ caller, params, body: given }: ById, reply) => {
      const { name, body } = actionOf(given);
      if (name === 'addProjectAccess') {
        const { project } = parseBody(AddProjectAccess, body).addProjectAccess;
        await addTypeAccess(operations, caller, params.id, project);
      } else if (name === 'removeProjectAccess') {
        const { project } = parseBody(RemoveProjectAccess, body).removeProjectAccess;
        await removeTypeAccess(operations, caller, params.id, project);
      } else {
        throw noSuchAction(name);
      }
      return reply.code(202).send();
    },
  );
}

const defaultView = ({ id, volumeTypeId }: DefaultTypeRow): object => ({
  project_id: id,
  volume_type_id: volumeTypeId,
});

export function defaultTypeRoutes(
  app: FastifyInstance,
  { operations, identity }: BlockStorageV3Options,
): void {
  const projectOf = ({ params: { id }, token }: ById): NamedProject => ({
    id,
    exists: () => identity.hasProject(id, token),
  });

  app.get('/default-types', async (request) => {
    since(request, 62);
    const rows = await listDefaultTypes(operations, request.caller);
    return { default_types: rows.map(defaultView) };
  });

  app.get('/default-types/:id', async (request: ById) => {
    since(request, 62);
    const row = await showDefaultType(operations, request.caller, projectOf(request));
    return { default_type: defaultView(row) };
  });

  app.put('/default-types/:id', takes(SetDefaultType), async (request: ById) => {
    since(request, 62);
    const { volume_type: type } = parseBody(SetDefaultType, request.body).default_type;
    const row = await setDefaultType(operations, request.caller, projectOf(request), type);
    return { default_type: defaultView(row) };
  });

  app.delete('/default-types/:id', async (request: ById, reply) => {
    since(request, 62);
    await unsetDefaultType(operations, request.caller, request.params.id);
    return reply.code(204).send();
  });
}
