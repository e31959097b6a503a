/** `/v2/images/{id}/actions`: an administrator keeps an image from being read, and back. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Action } from '../../identity/policy.ts';
import { findOwnImage } from '../../operation/image/image-access.ts';
import { swap } from '../../operation/image/image-data.ts';
import type { ImageNeeds } from './image-data-routes.ts';

type ById = FastifyRequest<{ Params: { id: string } }>;

const actions = [
  { name: 'deactivate', action: 'image:deactivate', from: 'active', to: 'deactivated' },
  { name: 'reactivate', action: 'image:reactivate', from: 'deactivated', to: 'active' },
] as const satisfies readonly { action: Action; [field: string]: unknown }[];

export function imageActionRoutes(app: FastifyInstance, needs: ImageNeeds): void {
  for (const { name, action, from, to } of actions) {
    app.post(`/images/:id/actions/${name}`, async (request: ById, reply) => {
      const { id, status } = await findOwnImage(
        needs.catalog,
        request.caller,
        action,
        request.params.id,
      );
      if (status !== to) await swap(needs, id, from, { status: to });
      return reply.code(204).send();
    });
  }
}
