/** Giving and taking roles: on projects, domains and the system, to users and groups. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { systemId } from '../../identity/assignment.ts';
import {
  assertGranted,
  assertSeat,
  grant,
  revokeRole,
  type Seat,
} from '../../identity/directory/assignments.ts';
import { authorizeIdentity } from './access.ts';
import { byName, type DirectoryOptions, limit } from './directory-query.ts';
import { rowsMax } from './resource.ts';
import { collection, roleView } from './views.ts';

type BySeat = FastifyRequest<{ Params: { id?: string; actor_id: string; role_id: string } }>;

type SeatKind = Pick<Seat, 'actorKind' | 'targetKind' | 'inherited'>;

const actorKinds = ['user', 'group'] as const;
const targetPaths = {
  project: '/projects/:id',
  domain: '/domains/:id',
  system: '/system',
} as const;
const targetKinds = ['project', 'domain', 'system'] as const;

export function grantRoutes(app: FastifyInstance, options: DirectoryOptions): void {
  for (const actorKind of actorKinds) {
    for (const targetKind of targetKinds) {
      const path = `${targetPaths[targetKind]}/${actorKind}s/:actor_id/roles`;
      const kind = { actorKind, targetKind, inherited: false };
      listRoute(app, options, path, kind);
      oneRoutes(app, options, `${path}/:role_id`, kind);
      if (targetKind === 'system') continue;
      const below = { ...kind, inherited: true };
      listRoute(app, options, `/OS-INHERIT${path}/inherited_to_projects`, below);
      oneRoutes(app, options, `/OS-INHERIT${path}/:role_id/inherited_to_projects`, below);
    }
  }
}

function seatOf({ params }: BySeat, kind: SeatKind): Seat {
  return { ...kind, actorId: params.actor_id, targetId: params.id ?? systemId };
}

function listRoute(
  app: FastifyInstance,
  options: DirectoryOptions,
  path: string,
  kind: SeatKind,
): void {
  const { catalog, publicUrl } = options;
  app.get(path, async (request: BySeat) => {
    authorizeIdentity(request.tokenFacts, 'identity:list_grants');
    const seat = seatOf(request, kind);
    await assertSeat(catalog, seat);
    const given = await catalog.list('roleAssignments', { where: seat, limit });
    const where = { id: given.map(({ roleId }) => roleId) };
    const rows = await catalog.list('roles', { where, sort: byName, limit });
    return collection(
      publicUrl,
      'roles',
      rows.map((row) => roleView(publicUrl, row)),
      rowsMax,
    );
  });
}

function oneRoutes(
  app: FastifyInstance,
  options: DirectoryOptions,
  path: string,
  kind: SeatKind,
): void {
  app.put(path, async (request: BySeat, reply) => {
    authorizeIdentity(request.tokenFacts, 'identity:create_grant');
    await grant(options, seatOf(request, kind), request.params.role_id);
    return reply.code(204).send();
  });

  app.get(path, async (request: BySeat, reply) => {
    authorizeIdentity(request.tokenFacts, 'identity:check_grant');
    await assertGranted(options, seatOf(request, kind), request.params.role_id);
    return reply.code(204).send();
  });

  app.delete(path, async (request: BySeat, reply) => {
    authorizeIdentity(request.tokenFacts, 'identity:revoke_grant');
    await revokeRole(options, seatOf(request, kind), request.params.role_id);
    return reply.code(204).send();
  });
}
