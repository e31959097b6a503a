/** Plans, holds and protection over HTTP. */
import { Type, type Static, type TSchema } from 'typebox';
import { OperatingError } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import { readAnswer } from './answer.ts';
import { Hold, Plan, PlanRun, Protection, WhatIf } from './plan-schema.ts';
import type { Session } from './session.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export class PlanClient {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  list(): Promise<Plan[]> {
    return this.#list('/plans', 'plans', Plan);
  }

  /** By id, or else by its name. */
  async find(nameOrId: string): Promise<Plan> {
    const plans = await this.list();
    const found = plans.find(({ id, name }) => id === nameOrId || name === nameOrId);
    if (found !== undefined) return found;
    throw new OperatingError('not_found', `There is no plan ${nameOrId}`);
  }

  create(plan: object): Promise<Plan> {
    return this.#one('POST', '/plans', 'plan', Plan, { plan });
  }

  change(id: string, plan: object): Promise<Plan> {
    return this.#one('PATCH', `/plans/${encodeURIComponent(id)}`, 'plan', Plan, { plan });
  }

  /** What becomes of what the plan made has to be said when it made something. */
  async delete(id: string, made: string | undefined): Promise<void> {
    const query = made === undefined ? {} : { made };
    await this.#call('DELETE', `/plans/${encodeURIComponent(id)}`, undefined, query);
  }

  /** Makes the volumes of a plan due now; how many. */
  async run(id: string, volumeId: string | undefined): Promise<number> {
    const schema = Type.Object({ volume_count: Type.Integer() });
    const body = volumeId === undefined ? {} : { volume_id: volumeId };
    const path = `/plans/${encodeURIComponent(id)}/run`;
    return (await this.#one('POST', path, 'run', schema, body)).volume_count;
  }

  whatIf(body: object): Promise<WhatIf> {
    return this.#one('POST', '/plans/what-if', 'what_if', WhatIf, body);
  }

  /** The newest runs first. */
  runs(filters: Record<string, string>): Promise<PlanRun[]> {
    return this.#list('/plan-runs', 'runs', PlanRun, filters);
  }

  protection(): Promise<Protection[]> {
    return this.#list('/protection', 'protection', Protection);
  }

  holds(): Promise<Hold[]> {
    return this.#list('/holds', 'holds', Hold);
  }

  hold(kind: string, id: string, reason: string | undefined): Promise<Hold> {
    const body = reason === undefined ? {} : { reason };
    return this.#one('PUT', holdPath(kind, id), 'hold', Hold, body);
  }

  async release(kind: string, id: string): Promise<void> {
    await this.#call('DELETE', holdPath(kind, id));
  }

  async #list<S extends TSchema>(
    path: string,
    key: string,
    schema: S,
    query: Record<string, string> = {},
  ): Promise<Static<S>[]> {
    const answer = await this.#call('GET', path, undefined, query);
    return readAnswer(Type.Array(schema), isJsonObject(answer) ? answer[key] : undefined);
  }

  async #one<S extends TSchema>(
    method: Method,
    path: string,
    key: string,
    schema: S,
    body: object,
  ): Promise<Static<S>> {
    const answer = await this.#call(method, path, body);
    return readAnswer(schema, isJsonObject(answer) ? answer[key] : undefined);
  }

  #call(
    method: Method,
    path: string,
    body?: object,
    query: Record<string, string> = {},
  ): Promise<unknown> {
    return this.#session.call({ service: 'firn', method, path, query, body });
  }
}

function holdPath(kind: string, id: string): string {
  return `/${kind}s/${encodeURIComponent(id)}/hold`;
}
