import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOperatingError } from '../base/errors.ts';
import { openMemoryRoot } from '../store/memory.ts';
import { openRepositories } from './repositories.ts';

test('whoever may make a repository gets it, although another found none meanwhile', async () => {
  const root = openMemoryRoot();
  const repositories = openRepositories({ root, wrappingKey: Buffer.alloc(32, 1) });
  const looking = repositories.open('test', { create: false });
  const making = repositories.open('test', { create: true });
  await assert.rejects(looking, (error) => isOperatingError(error, 'not_found'));
  assert.equal(await repositories.open('test', { create: false }), await making);
  await repositories.close();
});
