import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Turns } from './turns.ts';

test('one goes on in each turn of the event loop, in the order of asking', async () => {
  const turns = new Turns();
  const gone: string[] = [];
  const ask = (name: string): void => void turns.next().then(() => gone.push(name));
  for (const name of ['a', 'b', 'c']) ask(name);
  assert.deepEqual(gone, []);
  for (const expected of [['a'], ['a', 'b'], ['a', 'b', 'c'], ['a', 'b', 'c']]) {
    await turn();
    assert.deepEqual(gone, expected);
  }
  ask('d');
  await turn();
  assert.equal(gone.at(-1), 'd');
});

test('after a request the loop stays awake for a while, and then sleeps', async () => {
  let now = 0;
  const turns = new Turns({ awakeMs: 20, now: () => now });
  turns.stayAwake();
  now = 19;
  await turn();
  await turn();
  assert.equal(turns.isAwake, true);
  now = 20;
  await turn();
  await turn();
  assert.equal(turns.isAwake, false);
  const never = new Turns({ awakeMs: 0 });
  never.stayAwake();
  assert.equal(never.isAwake, false);
});

test('who is looked at beside somebody is told from that somebody', async () => {
  let now = 0;
  const turns = new Turns({ awakeMs: 20, now: () => now });
  const quiet = { poll: () => false, rest: () => undefined, isBusy: false };
  const one = { ...quiet };
  const other = { ...quiet };
  assert.equal(turns.looksBeside(one), false);
  turns.watch(one);
  assert.equal(turns.looksBeside(one), false);
  assert.equal(turns.looksBeside(other), true);
  turns.watch(other);
  assert.equal(turns.looksBeside(one), true);
  other.isBusy = true;
  assert.equal(turns.looksBeside(one), false);
  assert.equal(turns.looksBeside(other), true);
  now = 20;
  await turn();
  assert.equal(turns.looksBeside(one), false);
});

test('several are looked at again in the same turn, as long as something comes', async () => {
  let now = 0;
  let looks = 0;
  const comes = { poll: () => (looks += 1) < 100, rest: () => undefined, isBusy: false };
  const turns = new Turns({ awakeMs: 20, now: () => now });
  turns.watch(comes);
  await turn();
  assert.equal(looks, 1, 'one alone is looked at once');
  turns.watch({ ...comes, poll: () => false });
  await turn();
  assert.equal(looks, 5);
  now = 20;
  looks = 100;
  await turn();
  await turn();
  now = 40;
  await turn();
  assert.equal(turns.isAwake, false);
});
