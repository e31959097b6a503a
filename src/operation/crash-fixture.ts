/**
 * Crashes for tests: the n-th call of the engine, the catalogue or a repository rejects, before or
 * after it has had its effect, and so does every later one, as nothing runs in a dead process.
 */
import type { OperationNeeds } from './needs.ts';

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
