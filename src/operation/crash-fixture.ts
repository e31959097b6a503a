/**
 * Crashes for tests: the n-th call of the engine, the catalogue or a repository rejects, before or
 * after it has had its effect, and so does every later one, as nothing runs in a dead process.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { must } from '../base/assert.ts';
import { jobHandlers } from './handlers.ts';
import type { OperationNeeds } from './needs.ts';
import { jobContext, openScene, type Scene } from './operation-fixture.ts';

export class Crash extends Error {}

type Mortal = Pick<OperationNeeds, 'catalog' | 'engine' | 'repositories'>;

/** `callNumber` counts from 1. `reached` says whether there were so many calls. */
export function crashAt<N extends Mortal>(
  needs: N,
  callNumber: number,
  moment: 'before' | 'after',
): { needs: N; reached: () => boolean } {
  let calls = 0;
  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, name) {
        const member: unknown = Reflect.get(object, name, object);
        if (typeof member !== 'function') return member;
        return async (...given: unknown[]) => {
          calls += 1;
          const number = calls;
          if (number > callNumber || (number === callNumber && moment === 'before')) {
            throw new Crash(`call ${number}`);
          }
          const answer: unknown = await Reflect.apply(member, object, given);
          if (number === callNumber) throw new Crash(`after call ${number}`);
          return answer;
        };
      },
    });
  const mortal = {
    ...needs,
    catalog: wrap(needs.catalog),
    engine: wrap(needs.engine),
    repositories: wrap(needs.repositories),
  };
  return { needs: mortal, reached: () => calls >= callNumber };
}

/**
 * Adds a job with `ask` and crashes its run at the first call, then at the second, and so on until
 * it ends by itself; after each crash the job runs whole, and `check` sees how it has ended.
 */
export async function crashEverywhere<A>(
  t: TestContext,
  ask: (scene: Scene) => Promise<A>,
  check: (scene: Scene, asked: A) => Promise<void>,
): Promise<void> {
  const scene = await openScene(t);
  for (const moment of ['before', 'after'] as const) {
    for (let callNumber = 1; ; callNumber += 1) {
      assert.ok(callNumber < 50, 'a job makes few calls');
      const asked = await ask(scene);
      const job = must(await scene.jobs.next(), 'the job');
      const { needs, reached } = crashAt(scene, callNumber, moment);
      const handler = must(jobHandlers(needs)[job.kind], 'a handler');
      await handler.run(job, jobContext()).catch((error: unknown) => {
        assert.ok(error instanceof Crash, String(error));
      });
      await scene.work();
      await check(scene, asked);
      if (!reached()) break;
    }
  }
}
