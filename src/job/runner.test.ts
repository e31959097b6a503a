import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { sampleJob } from '../catalog/sample-rows.ts';
import { waitsFor } from './job.ts';
import { keptJobCount } from './prune.ts';
import { attemptCountMax, retryDelayMs } from './retry.ts';
import { HoldingHandler, RunnerFixture } from './runner-fixture.ts';

describe('the runner of jobs', () => {
  let fixture: RunnerFixture;
  let handler: HoldingHandler;
  beforeEach(async () => {
    fixture = await RunnerFixture.open();
    handler = new HoldingHandler();
  });
  afterEach(async () => {
    for (const run of handler.runs) run.resolve();
    await fixture.close();
  });

  it('runs a job, and keeps its row true all the way', async () => {
    const runner = fixture.runner(handler);
    const id = await fixture.add(runner, { payload: { depth: 2 } });
    assert.equal((await fixture.job(id)).state, 'queued', 'not before the start');
    await runner.start();
    await fixture.time.settle();
    const running = await fixture.job(id);
    assert.deepEqual(handler.last().job, running);
    assert.deepEqual([running.state, running.attempts], ['running', 1]);
    assert.deepEqual(running.payload, { depth: 2 });
    handler.last().context.progress(5, 9);
    handler.last().resolve();
    await runner.idle();
    const done = await fixture.job(id);
    assert.deepEqual(
      [
        done.state,
        done.leaseOwner,
        done.leaseExpiresAt,
        done.error,
        done.bytesDone,
        done.bytesTotal,
      ],
      ['done', null, null, null, 5, 9],
    );
    assert.deepEqual(fixture.logged, []);
  });

  it('starts no more than its share, and of one subject one at a time in order', async () => {
    const runner = fixture.runner(handler);
    await runner.start();
    const subjects = ['a', 'a', 'b', 'c'];
    for (const subjectId of subjects) await fixture.add(runner, { subjectId });
    const started = (): string[] => handler.runs.map(({ job }) => job.subjectId);
    assert.deepEqual(started(), ['a', 'b']);
    handler.runs[1]?.resolve();
    await fixture.time.settle();
    assert.deepEqual(started(), ['a', 'b', 'c']);
    handler.runs[2]?.resolve();
    await fixture.time.settle();
    assert.deepEqual(started(), ['a', 'b', 'c'], 'the second of `a` waits for the first');
    handler.runs[0]?.resolve();
    await fixture.time.settle();
    assert.deepEqual(started(), ['a', 'b', 'c', 'a']);
  });

  it('leaves a subject alone on which another runner works', async () => {
    const [one, other] = [fixture.runner(handler), fixture.runner(handler)];
    await Promise.all([one.start(), other.start()]);
    await fixture.add(one, { subjectId: 's' });
    const second = await fixture.add(one, { subjectId: 's' });
    other.wake();
    await fixture.time.advance(60_000);
    assert.equal(handler.runs.length, 1);
    handler.last().resolve();
    await fixture.time.advance(5000);
    assert.equal(handler.runs.length, 2);
    assert.equal(handler.last().job.id, second);
  });

  it('lets what only looks at a subject run beside its other jobs, one at a time', async () => {
    const looking = Object.assign(new HoldingHandler(), { beside: true });
    const handlers = { work: handler, look: looking };
    const runner = fixture.runner(handler, { handlers, parallel: 4 });
    await runner.start();
    for (const kind of ['look', 'work', 'look', 'work']) {
      await fixture.add(runner, { subjectId: 's', kind });
    }
    assert.deepEqual([looking.runs.length, handler.runs.length], [1, 1]);
    looking.last().resolve();
    await fixture.time.settle();
    assert.deepEqual([looking.runs.length, handler.runs.length], [2, 1]);
    for (const run of [looking.last(), handler.last()]) run.resolve();
    await fixture.time.settle();
    handler.last().resolve();
    await runner.idle();
  });

  it('records a failure for good, with its words', async () => {
    const runner = fixture.runner(handler);
    await runner.start();
    const id = await fixture.add(runner);
    const error = new OperatingError('no_space', 'The store is full.\0');
    handler.last().reject(error);
    await runner.idle();
    const failed = await fixture.job(id);
    assert.deepEqual([failed.state, failed.error], ['failed', 'The store is full.\ufffd']);
    assert.deepEqual(
      handler.failures.map((failure) => failure.error),
      [error],
    );
    assert.match(fixture.logged[0]?.text ?? '', /failed/);
  });

  it('fails a job whose kind it does not know', async () => {
    const runner = fixture.runner(handler);
    await runner.start();
    const id = await fixture.add(runner, { kind: 'dance' });
    await runner.idle();
    const job = await fixture.job(id);
    assert.deepEqual(
      [job.state, job.error],
      ['failed', 'This version of Firn has no work named dance.'],
    );
  });

  it('tries again after growing waits, and then fails', async () => {
    const runner = fixture.runner(handler);
    await runner.start();
    const id = await fixture.add(runner);
    for (let attempt = 1; attempt < attemptCountMax; attempt += 1) {
      assert.equal(handler.runs.length, attempt);
      handler.last().reject(new OperatingError('unavailable', 'The store does not answer.'));
      await fixture.time.advance(retryDelayMs(attempt) - 1);
      assert.equal(handler.runs.length, attempt, 'waits');
      const waiting = await fixture.job(id);
      assert.deepEqual([waiting.state, waiting.error], ['queued', 'The store does not answer.']);
      await fixture.time.advance(1);
      await fixture.time.settle();
    }
    assert.equal(handler.failures.length, 0);
    handler.last().reject(new OperatingError('io', 'An I/O error.'));
    await runner.idle();
    assert.equal((await fixture.job(id)).state, 'failed');
    assert.equal(handler.failures.length, 1);
  });

  it('keeps later jobs of a subject waiting while the first waits to be tried again', async () => {
    const runner = fixture.runner(handler);
    await runner.start();
    const first = await fixture.add(runner, { subjectId: 's' });
    await fixture.add(runner, { subjectId: 's' });
    handler.last().reject(new OperatingError('unavailable', 'not now'));
    await fixture.time.advance(retryDelayMs(1));
    await fixture.time.settle();
    assert.deepEqual(
      handler.runs.map(({ job }) => job.id),
      [first, first],
    );
  });

  it('comes back to a job whose failure could not be recorded', async () => {
    let refusals = 2;
    handler.fail = async () => {
      refusals -= 1;
      if (refusals >= 0) throw new OperatingError('unavailable', 'no catalogue');
    };
    const runner = fixture.runner(handler);
    await runner.start();
    const id = await fixture.add(runner);
    for (const attempt of [1, 2, 3]) {
      assert.notEqual((await fixture.job(id)).state, 'failed');
      handler.last().reject(new Error('broken'));
      await fixture.time.advance(retryDelayMs(attempt));
      await fixture.time.settle();
    }
    assert.equal((await fixture.job(id)).state, 'failed');
    assert.equal(handler.runs.length, 3);
  });

  it('puts a job back when it is stopped, and the next process resumes it', async () => {
    const runner = fixture.runner(handler);
    await runner.start();
    const id = await fixture.add(runner);
    const { context, reject } = handler.last();
    const stopped = runner.stop();
    await fixture.time.settle();
    assert.equal(context.signal.aborted, true);
    assert.ok(isOperatingError(context.signal.reason, 'aborted'));
    reject(context.signal.reason);
    await stopped;
    const job = await fixture.job(id);
    assert.deepEqual([job.state, job.attempts, job.leaseOwner], ['queued', 0, null]);
    assert.equal(handler.failures.length, 0);

    const next = fixture.runner(handler);
    await next.start({ takeOver: true });
    await fixture.time.settle();
    assert.equal(handler.runs.length, 2);
    assert.equal(handler.last().job.id, id);
  });

  it('waits, when it stops, for a handler that ends its work', async () => {
    const runner = fixture.runner(handler);
    await runner.start();
    const id = await fixture.add(runner);
    const stopped = runner.stop();
    await fixture.time.advance(120_000);
    assert.equal((await fixture.job(id)).state, 'running', 'under a lease that is renewed');
    handler.last().resolve();
    await stopped;
    assert.equal((await fixture.job(id)).state, 'done');
  });

  it('shows what it waits for, while it does', async () => {
    const runner = fixture.runner(handler);
    await runner.start();
    const id = await fixture.add(runner, { payload: { depth: 'blocks' } });
    const seen = async (): Promise<string | null> => {
      await fixture.time.settle();
      return waitsFor(await fixture.job(id));
    };
    assert.equal(await seen(), null);
    handler.last().context.waitsFor('the process 12 on vm');
    assert.equal(await seen(), 'the process 12 on vm');
    assert.equal((await fixture.job(id)).payload['depth'], 'blocks');
    handler.last().context.waitsFor(null);
    assert.equal(await seen(), null);
    handler.last().context.waitsFor('something');
    handler.last().resolve();
    await runner.idle();
    assert.equal(await seen(), null, 'what has ended waits for nothing');
  });

  it('writes progress twice a second at most', async () => {
    const runner = fixture.runner(handler);
    await runner.start();
    const id = await fixture.add(runner);
    const { context } = handler.last();
    for (let step = 1; step <= 400; step += 1) {
      context.progress(step, 1000);
      if (step % 100 === 0) await fixture.time.advance(100);
    }
    assert.equal((await fixture.job(id)).bytesDone, 0);
    await fixture.time.advance(100);
    assert.equal((await fixture.job(id)).bytesDone, 400);
    context.progress(401, 1000);
    await fixture.time.advance(499);
    assert.equal((await fixture.job(id)).bytesDone, 400);
    handler.last().resolve();
    await runner.idle();
    assert.equal((await fixture.job(id)).bytesDone, 401);
  });

  it('keeps a bounded number of finished jobs, and all others', async () => {
    await fixture.catalog.transact(async (transaction) => {
      for (let age = 0; age < keptJobCount + 5; age += 1) {
        const createdAt = 1_790_000_000_000 - age;
        const done = sampleJob({ id: `done-${age}`, state: 'done', createdAt });
        await transaction.insert('jobs', done);
      }
      await transaction.insert('jobs', sampleJob({ id: 'failed', state: 'failed', createdAt: 1 }));
    });
    const runner = fixture.runner(handler);
    await runner.start();
    await fixture.time.advance(60 * 60_000);
    await fixture.time.settle();
    assert.equal(await fixture.catalog.count('jobs', { state: 'done' }), keptJobCount);
    assert.equal((await fixture.job('done-999')).state, 'done');
    assert.equal(await fixture.catalog.find('jobs', { id: 'done-1000' }), undefined);
    assert.equal((await fixture.job('failed')).state, 'failed');
  });

  it('runs each job of a random lot once and in order, on several runners', async () => {
    const arbitrary = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(arbitrary, async (subjects) => {
        const [ran, busy] = [new Array<string>(), new Set<string>()];
        let runningCount = 0;
        const work = {
          run: async (job: { id: string; subjectId: string }) => {
            assert.ok(!busy.has(job.subjectId), 'two of one subject');
            busy.add(job.subjectId);
            runningCount += 1;
            assert.ok(runningCount <= 4, 'more than two runners may run');
            await fixture.time.settle();
            ran.push(job.id);
            busy.delete(job.subjectId);
            runningCount -= 1;
          },
          fail: async (_: unknown, error: unknown) => {
            throw error;
          },
        };
        const runners = [fixture.runner(work), fixture.runner(work)];
        await Promise.all(runners.map((runner) => runner.start()));
        const added: { id: string; subjectId: string }[] = [];
        for (const [index, subjectId] of subjects.entries()) {
          const runner = runners[index % 2] ?? fixture.runner(work);
          fixture.time.tick();
          const job = { kind: 'work', projectId: 'p', subjectId, requestId: 'req-1' };
          const id = await fixture.catalog.transact((inside) => runner.add(inside, job));
          added.push({ id, subjectId });
        }
        for (let round = 0; round < 8; round += 1) await fixture.time.advance(5000);
        await Promise.all(runners.map((runner) => runner.stop()));
        assert.deepEqual(ran.toSorted(), added.map(({ id }) => id).toSorted());
        for (const subject of new Set(subjects)) {
          const own = added.filter(({ subjectId }) => subjectId === subject).map(({ id }) => id);
          assert.deepEqual(
            ran.filter((id) => own.includes(id)),
            own,
          );
        }
      }),
      { numRuns: 10 },
    );
  });
});
