/** Requests to Block Storage that Firn's own client has no words for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert, must } from '../src/base/assert.ts';
import { monotonicMs } from '../src/base/clock.ts';
import { isJsonObject, type JsonObject } from '../src/base/json.ts';
import { cloudFromYaml } from '../src/client/cloud.ts';
import { Session } from '../src/client/session.ts';

const settleWithinMs = 180_000;

/** The administrator of a data folder, at the newest microversion. */
export class BlockStorage {
  readonly #session: Session;

  constructor(dataFolder: string) {
    const path = join(dataFolder, 'clouds.yaml');
    this.#session = new Session(cloudFromYaml(readFileSync(path, 'utf8'), path));
  }

  /** The one object that the answer holds; an empty one for an answer without a body. */
  async post(path: string, body: JsonObject): Promise<JsonObject> {
    return objectOf(await this.#call('POST', path, body));
  }

  async remove(path: string): Promise<void> {
    await this.#call('DELETE', path);
  }

  async get(path: string): Promise<JsonObject> {
    return objectOf(await this.#call('GET', path));
  }

  /** Everything of a kind, such as `volumes`, that a query lets through, whole. */
  async list(kind: string, query = ''): Promise<JsonObject[]> {
    const answer = await this.#call('GET', `/${kind}/detail${query}`);
    const items = isJsonObject(answer) ? answer[kind] : undefined;
    return Array.isArray(items) ? items.filter(isJsonObject) : [];
  }

  /** Messages of the project, the newest first. */
  async messages(): Promise<JsonObject[]> {
    const answer = await this.#call('GET', '/messages');
    const items = isJsonObject(answer) ? answer['messages'] : undefined;
    return Array.isArray(items) ? items.filter(isJsonObject) : [];
  }

  /** How many jobs of the background wait or run. */
  async unfinishedJobs(): Promise<number> {
    const path = '/jobs';
    const answer = await this.#session.call({ service: 'firn', method: 'GET', path });
    const jobs = isJsonObject(answer) ? answer['jobs'] : undefined;
    assert(Array.isArray(jobs), 'a list of jobs');
    const states = jobs.filter(isJsonObject).map(({ state }) => state);
    return states.filter((state) => state === 'queued' || state === 'running').length;
  }

  /** Looks until the status is one that lasts, and returns it. */
  async settled(path: string): Promise<string> {
    const startMs = monotonicMs();
    for (;;) {
      const { status } = await this.get(path);
      if (typeof status === 'string' && /^(?:available|error)/.test(status)) return status;
      assert(monotonicMs() - startMs < settleWithinMs, `${path} comes to an end`);
      await sleep(50);
    }
  }

  /** Looks until there is nothing of this kind any more. */
  async gone(kind: string): Promise<void> {
    const startMs = monotonicMs();
    while ((await this.list(kind)).length > 0) {
      assert(monotonicMs() - startMs < settleWithinMs, `all ${kind} go`);
      await sleep(50);
    }
  }

  async #call(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: JsonObject,
  ): Promise<unknown> {
    return await this.#session.call({
      service: 'block-storage',
      method,
      path,
      ...(body === undefined ? {} : { body }),
    });
  }
}

function objectOf(answer: unknown): JsonObject {
  const [only] = isJsonObject(answer) ? Object.values(answer) : [];
  return isJsonObject(only) ? only : {};
}

/** The id in an answer. */
export function idOf(item: JsonObject): string {
  const { id } = item;
  return must(typeof id === 'string' ? id : undefined, 'an id');
}
