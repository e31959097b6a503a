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

test('a container of another kind holds no repository, one without its header does', async () => {
  const root = openMemoryRoot();
  const repositories = openRepositories({ root, wrappingKey: Buffer.alloc(32, 1) });
  await repositories.open('opened', { create: true });
  const other = await root.open('other', { create: true });
  await other.put('a', [Buffer.from('of somebody else')]);
  const headless = await root.open('headless', { create: true });
  await headless.put(`packs/ab/ab${'0'.repeat(30)}`, [Buffer.from('a pack')]);
  const names = ['opened', 'other', 'headless', 'none'];
  const held = await Promise.all(names.map((name) => repositories.holds(name)));
  assert.deepEqual(held, [true, false, true, false]);
  await repositories.close();
});
