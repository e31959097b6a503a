import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { FaultyStore } from './fault.ts';
import { MemoryStore } from './memory.ts';
import { RetryingStore, sleep } from './retry.ts';

function patient(inner: FaultyStore, pauses: number[]): RetryingStore {
  return new RetryingStore(inner, {
    attemptsMax: 6,
    pauseMs: 100,
    pauseMsMax: 1000,
    sleep: async (ms) => {
      pauses.push(ms);
    },
    random: () => 0.5,
  });
}

const down = new OperatingError('unavailable', 'the store is gone');

describe('a store with retries', () => {
  it('tries again with growing pauses, and gives up in the end', async () => {
    const pauses: number[] = [];
    const faulty = new FaultyStore(new MemoryStore('memory:test'));
    faulty.script = () => ({ kind: 'fail', error: down });
    await assert.rejects(patient(faulty, pauses).get('a'), down);
    assert.deepEqual(pauses, [75, 150, 300, 600, 750]);
    assert.equal(faulty.operations.length, 6);
  });

  it('does not try again what cannot get better', async () => {
    const pauses: number[] = [];
    const faulty = new FaultyStore(new MemoryStore('memory:test'));
    faulty.script = () => ({ kind: 'fail', error: new OperatingError('no_space', 'full') });
    await assert.rejects(patient(faulty, pauses).put('a', []), { code: 'no_space' });
    assert.deepEqual(pauses, []);
  });

  it('knows its own object when a put was done and reported as failed', async () => {
    const faulty = new FaultyStore(new MemoryStore('memory:test'));
    faulty.script = ({ index }) => (index === 1 ? { kind: 'fail-after', error: down } : undefined);
    const store = patient(faulty, []);
    await store.put('a', [Buffer.from('mine')]);
    await assert.rejects(store.put('a', [Buffer.from('mine')]), { code: 'exists' });
    faulty.operations.length = 0;
    await assert.rejects(store.put('a', [Buffer.from('other')]), { code: 'exists' });
    assert.equal(Buffer.from(await store.get('a')).toString(), 'mine');
  });

  it('stops when it is told to, also while it waits', async () => {
    const faulty = new FaultyStore(new MemoryStore('memory:test'));
    faulty.script = () => ({ kind: 'fail', error: down });
    const control = new AbortController();
    const waiting = sleep(3_600_000, control.signal);
    control.abort();
    await assert.rejects(waiting, (error) => isOperatingError(error, 'aborted'));
    const { signal } = control;
    const got = patient(faulty, []).get('a', { signal });
    await assert.rejects(got, (error) => isOperatingError(error, 'aborted'));
  });
});
