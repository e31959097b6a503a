import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GroupCommit } from './group-commit.ts';

test('calls during a run share the one that follows', async () => {
  const runs: PromiseWithResolvers<void>[] = [];
  const group = new GroupCommit(() => {
    const run = Promise.withResolvers<void>();
    runs.push(run);
    return run.promise;
  });
  const first = group.run();
  const later = [group.run(), group.run(), group.run()];
  assert.equal(runs.length, 1);
  runs[0]?.resolve();
  await first;
  await new Promise(setImmediate);
  assert.equal(runs.length, 2);
  runs[1]?.resolve();
  await Promise.all(later);
  assert.equal(runs.length, 2);
});

test('a failure reaches those who shared the run, and the next run is tried', async () => {
  let count = 0;
  const group = new GroupCommit(async () => {
    count += 1;
    if (count < 3) throw new Error(`run ${count}`);
  });
  const outcomes = await Promise.allSettled([group.run(), group.run(), group.run()]);
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status === 'rejected' && String(outcome.reason)),
    ['Error: run 1', 'Error: run 2', 'Error: run 2'],
  );
  await group.run();
});

test('who waits for the end waits for the run that follows too, failed or not', async () => {
  const runs: PromiseWithResolvers<void>[] = [];
  const group = new GroupCommit(() => {
    const run = Promise.withResolvers<void>();
    runs.push(run);
    return run.promise;
  });
  await group.ended();
  const outcomes = Promise.allSettled([group.run(), group.run()]);
  let hasEnded = false;
  const ended = group.ended().finally(() => {
    hasEnded = true;
  });
  runs[0]?.reject(new Error('made to fail'));
  await new Promise(setImmediate);
  assert.equal(hasEnded, false);
  assert.equal(group.running, runs[1]?.promise);
  runs[1]?.reject(new Error('made to fail'));
  await ended;
  assert.equal(group.running, undefined);
  await outcomes;
});
