import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newSecret } from './ids.ts';

test('a secret is safe in a URL and never looks like an option of a command', () => {
  const secrets = Array.from({ length: 2000 }, () => newSecret(18));
  assert.deepEqual(
    secrets.filter((secret) => !/^[A-Za-z0-9_][A-Za-z0-9_-]{23}$/.test(secret)),
    [],
  );
  assert.equal(new Set(secrets).size, secrets.length);
});
