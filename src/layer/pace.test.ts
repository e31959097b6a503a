import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from './pace.ts';

test('after a slow call nothing is done in place for a while', () => {
  let now = 0;
  const pace = new Pace(() => now);
  assert.equal(pace.isFast, true);
  now = 0.5;
  pace.note(0);
  assert.equal(pace.isFast, true);
  now = 3;
  pace.note(1);
  assert.equal(pace.isFast, false);
  now = 18;
  assert.equal(pace.isFast, false);
  now = 19;
  assert.equal(pace.isFast, true);
  now = 1000;
  pace.note(100);
  now = 1049;
  assert.equal(pace.isFast, false);
  now = 1050;
  assert.equal(pace.isFast, true);
});
