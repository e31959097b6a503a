/** Plans, what they would do, what they did, and how well each volume is protected. */
import type { FastifyInstance } from 'fastify';
import { OperatingError } from '../../base/errors.ts';
import type { OperationNeeds } from '../../operation/needs.ts';
import { listProtection } from '../../plan/protection.ts';
import {
  createPlan,
  deletePlan,
  findPlan,
  listPlans,
  runPlanNow,
  showPlan,
  updatePlan,
} from '../../plan/plans.ts';
import { listPlanVolumes, listRuns } from '../../plan/runs.ts';
import { whatIf } from '../../plan/what-if.ts';
import { readList, type ListFace } from '../block-storage-v3/list-query.ts';
import type { ById } from '../block-storage-v3/request.ts';
import { parseBody } from '../body.ts';
import { readQuery } from '../query.ts';
import { nextMarker } from './next-marker.ts';
import {
  NewPlan,
  PlanChange,
  planChanges,
  planInput,
  RunNow,
  unsavedPlan,
  WhatIfBody,
} from './plan-schema.ts';
import { outcomeView, planView, planVolumeView, protectionView, runView } from './plan-view.ts';

const byAge = { id: 'id', created_at: 'createdAt' } as const;

const planList: ListFace<'plans'> = {
  filters: { name: (name) => ({ name }) },
  sortFields: { ...byAge, name: 'name' },
};

const runList: ListFace<'planRuns'> = {
  filters: {
    plan_id: (planId) => ({ planId }),
    volume_id: (volumeId) => ({ volumeId }),
    state: (text) => ({ state: text as 'running' }),
  },
  sortFields: byAge,
};

const planVolumeList: ListFace<'protections'> = { filters: {}, sortFields: byAge };

const volumeList: ListFace<'volumes'> = {
  filters: {},
  sortFields: { ...byAge, name: 'name', size: 'size' },
};

export function planRoutes(app: FastifyInstance, operations: OperationNeeds): void {
  const { clock } = operations;

  app.get('/plans', async (request) => {
    const list = readList(request, planList);
    const { name } = readQuery(request);
    const named = name === undefined ? list : { ...list, name };
    const { rows } = await listPlans(operations, request.caller, named);
    const now = clock.now();
    return { plans: rows.map((row) => planView(row, now)), ...nextMarker(list, rows) };
  });

  app.post('/plans', async ({ caller, body }, reply) => {
    const row = await createPlan(operations, caller, planInput(parseBody(NewPlan, body).plan));
    reply.code(201);
    return { plan: planView(row, clock.now()) };
  });

  app.get('/plans/:id', async ({ caller, params }: ById) => ({
    plan: planView(await showPlan(operations, caller, params.id), clock.now()),
  }));

  app.patch('/plans/:id', async ({ caller, params, body }: ById) => {
    const changes = planChanges(parseBody(PlanChange, body).plan);
    const row = await updatePlan(operations, caller, params.id, changes);
    return { plan: planView(row, clock.now()) };
  });

  app.delete('/plans/:id', async (request: ById, reply) => {
    const made = madeIn(readQuery(request)['made']);
    await deletePlan(operations, request.caller, request.params.id, made);
    return reply.code(204).send();
  });

  whatIfRoute(app, operations);
  runRoutes(app, operations);
}

function whatIfRoute(app: FastifyInstance, operations: OperationNeeds): void {
  const { catalog, clock } = operations;

  app.post('/plans/what-if', async ({ caller, body }) => {
    const given = parseBody(WhatIfBody, body);
    const { projectId, userId } = caller;
    const { plan_id: planId = null, until = null } = given;
    const saved =
      planId === null
        ? { id: 'unsaved', projectId, userId }
        : await findPlan(catalog, caller, planId);
    const outcome = await whatIf(operations, caller, {
      plan: unsavedPlan(given.plan, {
        id: saved.id,
        projectId: saved.projectId,
        userId: saved.userId,
      }),
      until: until === null ? clock.now() : Date.parse(until),
      volumeId: given.volume_id ?? undefined,
    });
    return { what_if: outcomeView(outcome) };
  });
}

/** What plans do and did, and for which volumes. */
function runRoutes(app: FastifyInstance, operations: OperationNeeds): void {
  app.post('/plans/:id/run', async ({ caller, params, body }: ById, reply) => {
    const { volume_id: volumeId } = parseBody(RunNow, body ?? {});
    const count = await runPlanNow(operations, caller, params.id, volumeId ?? undefined);
    reply.code(202);
    return { run: { volume_count: count } };
  });

  app.get('/plans/:id/volumes', async (request: ById) => {
    const list = readList(request, planVolumeList);
    const { rows } = await listPlanVolumes(operations, request.caller, request.params.id, list);
    return { volumes: rows.map(planVolumeView), ...nextMarker(list, rows) };
  });

  app.get('/plan-runs', async (request) => {
    const list = readList(request, runList);
    const { rows } = await listRuns(operations, request.caller, list);
    return { runs: rows.map(runView), ...nextMarker(list, rows) };
  });

  app.get('/protection', async (request) => {
    const list = readList(request, volumeList);
    const { rows } = await listProtection(operations, request.caller, list);
    const volumes = rows.map(({ volume }) => volume);
    return { protection: rows.map(protectionView), ...nextMarker(list, volumes) };
  });
}

function madeIn(text: string | undefined): 'keep' | 'delete' | undefined {
  if (text === undefined || text === 'keep' || text === 'delete') return text;
  throw new OperatingError('invalid_input', 'made is keep or delete.', { field: 'made' });
}
