import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { forecastPrune, startPrune } from '../../operation/backup/prune-repository.ts';
import type { OperationNeeds } from '../../operation/needs.ts';
import { parseBody } from '../body.ts';
import { pruneView } from './views.ts';

const Prune = Type.Object(
  { dry_run: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
);

type Params = FastifyRequest<{ Params: { container: string } }>;

/** `POST /repositories/{container}/prune`: 202, or what it would do. */
export function pruneRoutes(app: FastifyInstance, operations: OperationNeeds): void {
  app.post('/repositories/:container/prune', async (request: Params, reply) => {
    const { dry_run: dryRun = false } = parseBody(Prune, request.body ?? {});
    const { container } = request.params;
    if (dryRun) {
      return { prune: pruneView(await forecastPrune(operations, request.caller, container)) };
    }
    await startPrune(operations, request.caller, container);
    return reply.code(202).send();
  });
}
