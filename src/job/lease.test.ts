import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { OperatingError } from '../base/errors.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { leaseMs } from './leases.ts';
import { attemptCountMax } from './retry.ts';
import { HoldingHandler, RunnerFixture } from './runner-fixture.ts';
import type { Scheduler } from './scheduler.ts';

/** The scheduler of a process that is dead or suspended: nothing that was planned happens. */
const dead: Scheduler = { after: () => ({ cancel: () => undefined }) };

/** The catalogue as it is, but every change fails while `failing` says so. */
function withFailingChanges(catalog: Catalog, failing: () => boolean): Catalog {
  return {
    find: (table, where) => catalog.find(table, where),
    list: (table, query) => catalog.list(table, query),
    pick: (table, fields, query) => catalog.pick(table, fields, query),
    count: (table, where) => catalog.count(table, where),
    sum: (table, field, where) => catalog.sum(table, field, where),
    totals: (table, by, query) => catalog.totals(table, by, query),
    insert: (table, row) => catalog.insert(table, row),
    change: async (table, where, changes) => {
      if (failing()) throw new OperatingError('unavailable', 'no catalogue');
      return await catalog.change(table, where, changes);
    },
    remove: (table, where) => catalog.remove(table, where),
    transact: (work) => catalog.transact(work),
    close: () => catalog.close(),
  };
}

describe('the lease of a job', () => {
  let fixture: RunnerFixture;
  let handler: HoldingHandler;
  let other: HoldingHandler;
  beforeEach(async () => {
    fixture = await RunnerFixture.open();
    handler = new HoldingHandler();
    other = new HoldingHandler();
  });
  afterEach(async () => {
    for (const run of [...handler.runs, ...other.runs]) run.resolve();
    await fixture.close();
  });

  it('is renewed as long as the process lives', async () => {
    const [one, second] = [fixture.runner(handler), fixture.runner(other)];
    await Promise.all([one.start(), second.start()]);
    const id = await fixture.add(one);
    await fixture.time.advance(20 * leaseMs);
    assert.equal(handler.runs.length + other.runs.length, 1);
    assert.equal((await fixture.job(id)).attempts, 1);
    assert.deepEqual(fixture.logged, []);
  });

  it('ends with the process, and another one resumes the job', async () => {
    const dying = fixture.mortalRunner(handler, { scheduler: dead });
    await dying.start();
    const id = await fixture.add(dying);
    const living = fixture.runner(other);
    await living.start();
    await fixture.time.advance(leaseMs - 1);
    assert.equal(other.runs.length, 0);
    await fixture.time.advance(5001);
    assert.equal(other.last().job.id, id);
    assert.equal(other.last().job.attempts, 2);

    // The first one was not dead, only slow: whatever it now says changes nothing.
    handler.last().reject(new OperatingError('io', 'late'));
    await fixture.time.settle();
    assert.equal(handler.failures.length, 0);
    const { leaseOwner, state } = await fixture.job(id);
    assert.deepEqual([state, leaseOwner], ['running', other.last().job.leaseOwner]);
    other.last().resolve();
    await living.idle();
    assert.equal((await fixture.job(id)).state, 'done');
  });

  it('does not let a slow process record a failure after it was lost', async () => {
    const dying = fixture.mortalRunner(handler, { scheduler: dead });
    await dying.start();
    const id = await fixture.add(dying);
    const living = fixture.runner(other);
    await living.start();
    await fixture.time.advance(leaseMs + 5000);
    handler.last().reject(new OperatingError('corrupt', 'late, and for good'));
    await fixture.time.settle();
    assert.equal(handler.failures.length, 0);
    assert.equal((await fixture.job(id)).state, 'running');
  });

  it('is taken over at once by the next process of the same data folder', async () => {
    const dying = fixture.mortalRunner(handler, { scheduler: dead });
    await dying.start();
    const id = await fixture.add(dying);
    const next = fixture.runner(other);
    await next.start({ takeOver: true });
    await fixture.time.settle();
    assert.equal(other.last().job.id, id);
  });

  it('aborts the work when it is lost', async () => {
    const runner = fixture.runner(handler);
    await runner.start();
    const id = await fixture.add(runner);
    await fixture.catalog.change('jobs', { id }, { leaseOwner: 'somebody else' });
    await fixture.time.advance(leaseMs / 3);
    await fixture.time.settle();
    assert.equal(handler.last().context.signal.aborted, true);
  });

  it('aborts the work when it ends without news from the catalogue', async () => {
    let failing = false;
    const catalog = withFailingChanges(fixture.catalog, () => failing);
    const runner = fixture.runner(handler, { catalog });
    await runner.start();
    const id = await fixture.add(runner);
    failing = true;
    await fixture.time.advance(leaseMs - 1);
    assert.equal(handler.last().context.signal.aborted, false);
    await fixture.time.advance(leaseMs / 3);
    await fixture.time.settle();
    assert.equal(handler.last().context.signal.aborted, true);
    failing = false;
    handler.last().reject(handler.last().context.signal.reason);
    await fixture.time.settle();
    assert.equal(handler.runs.length, 2, 'and it is resumed here');
    assert.equal(handler.last().job.id, id);
  });

  it('lets a job be claimed again whose end could not be written', async () => {
    let failing = false;
    const catalog = withFailingChanges(fixture.catalog, () => failing);
    const runner = fixture.runner(handler, { catalog });
    await runner.start();
    const id = await fixture.add(runner);
    failing = true;
    handler.last().resolve();
    await runner.idle();
    assert.equal((await fixture.job(id)).state, 'running');
    assert.match(fixture.logged.at(-1)?.text ?? '', /catalogue failed/);
    failing = false;
    await fixture.time.advance(leaseMs + 5000);
    assert.equal(handler.runs.length, 2);
    handler.last().resolve();
    await runner.idle();
    assert.equal((await fixture.job(id)).state, 'done');
  });

  it('fails a job that ends the process each time', async () => {
    let id = '';
    for (let death = 1; death <= attemptCountMax; death += 1) {
      const dying = fixture.mortalRunner(handler, { scheduler: dead });
      await dying.start({ takeOver: true });
      if (death === 1) id = await fixture.add(dying);
      await fixture.time.settle();
      assert.equal(handler.runs.length, death);
    }
    const last = fixture.runner(other);
    await last.start({ takeOver: true });
    await fixture.time.settle();
    await last.idle();
    assert.equal(other.runs.length, 0);
    assert.equal(other.failures.length, 1);
    const job = await fixture.job(id);
    assert.deepEqual([job.state, job.error], ['failed', 'The work was interrupted 8 times.']);
  });
});
