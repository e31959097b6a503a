import assert from 'node:assert/strict';
import { randomBytes, randomFillSync } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDirectoryRoot } from '../store/directory.ts';
import { chunkBytes } from './block.ts';
import { createRepository, openRepository, type Repository } from './repository.ts';
import type { BackupWriter } from './writer.ts';

const chunks = 6;

async function startScene(
  t: TestContext,
): Promise<{ repository: Repository; files: () => Promise<string[]> }> {
  const root = await mkdtemp(join(tmpdir(), 'firn-pack-draft-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const directory = openDirectoryRoot(root);
  const wrappingKey = randomBytes(32);
  await createRepository(await directory.open('c', { create: true }), { wrappingKey });
  const store = await directory.open('c', { create: true });
  const repository = await openRepository(store, { wrappingKey, workers: 1 });
  t.after(() => repository.close());
  const files = async (): Promise<string[]> => {
    const all = await readdir(join(root, 'c'), { recursive: true, withFileTypes: true });
    return all.filter((entry) => entry.isFile()).map(({ name }) => name);
  };
  return { repository, files };
}

/** Hands over a volume that does not shrink. */
async function fill(writer: BackupWriter): Promise<void> {
  for (let at = 0; at < chunks; at += 1) {
    const chunk = await writer.reserve();
    randomFillSync(chunk.bytes);
    writer.submit(chunk, [{ offsetBytes: at * chunkBytes, lengthBytes: chunkBytes }]);
  }
}

test('a pack is on its way before it is full, and is gone when given up', async (t) => {
  const { repository, files } = await startScene(t);
  const isDraft = (name: string): boolean => name.startsWith('NEW-');
  const before = await files();
  const writer = await repository.openWriter({ lengthBytes: chunks * chunkBytes });
  await fill(writer);
  while (!(await files()).some(isDraft)) await sleep(2);
  assert.equal(writer.progress().bytesStored, 0, 'nothing counts as stored yet');
  await writer.abort();
  assert.deepEqual((await files()).sort(), before.sort());
});
