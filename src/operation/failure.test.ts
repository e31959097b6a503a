import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OperatingError } from '../base/errors.ts';
import { failureText } from './failure.ts';

test('why something failed can be followed by what to do', () => {
  const text = (error: unknown): string => failureText(error, 'req-1');
  const denied = new OperatingError('denied', 's3://b forbids it');
  assert.equal(text(denied), 'The storage does not let the service do it. s3://b forbids it.');
  assert.equal(text(new OperatingError('invalid_state', 'It is busy.')), 'It is busy.');
  assert.match(text(new Error('a secret')), /^An internal error .* has more under req-1\.$/);
  const long = text(new OperatingError('invalid_state', 'x'.repeat(300)));
  assert.deepEqual([long.length, long.endsWith('x…')], [255, true]);
  const system = Object.assign(new Error('ENOSPC: /srv/firn'), { code: 'ENOSPC' });
  const full = new OperatingError('no_space', 'write /srv/firn/x', { cause: system });
  assert.equal(text(full), 'There is no room left on the storage.');
});
