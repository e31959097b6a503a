/** Holds on volumes, snapshots and backups. */
import type { FastifyInstance } from 'fastify';
import { OperatingError } from '../../base/errors.ts';
import { findHold, listHolds, placeHold, releaseHold } from '../../operation/hold/holds.ts';
import type { OperationNeeds } from '../../operation/needs.ts';
import { readList, type ListFace } from '../block-storage-v3/list-query.ts';
import type { ById } from '../block-storage-v3/request.ts';
import { parseBody } from '../body.ts';
import { nextMarker } from './next-marker.ts';
import { HoldBody } from './plan-schema.ts';
import { holdView } from './plan-view.ts';

const kinds = ['volume', 'snapshot', 'backup'] as const;

const holdList: ListFace<'holds'> = {
  filters: {},
  sortFields: { id: 'id', created_at: 'createdAt' },
};

export function holdRoutes(app: FastifyInstance, operations: OperationNeeds): void {
  app.get('/holds', async (request) => {
    const list = readList(request, holdList);
    const { rows } = await listHolds(operations, request.caller, list);
    return { holds: rows.map(holdView), ...nextMarker(list, rows) };
  });

  for (const kind of kinds) {
    app.get(`/${kind}s/:id/hold`, async ({ caller, params: { id } }: ById) => {
      const hold = await findHold(operations, caller, { kind, id });
      if (hold !== undefined) return { hold: holdView(hold) };
      throw new OperatingError('not_found', `There is no hold on ${kind} ${id}.`);
    });

    app.put(`/${kind}s/:id/hold`, async ({ caller, params: { id }, body }: ById) => {
      const { reason } = parseBody(HoldBody, body ?? {});
      return { hold: holdView(await placeHold(operations, caller, { kind, id }, reason ?? null)) };
    });

    app.delete(`/${kind}s/:id/hold`, async ({ caller, params: { id } }: ById, reply) => {
      await releaseHold(operations, caller, { kind, id });
      return reply.code(204).send();
    });
  }
}
