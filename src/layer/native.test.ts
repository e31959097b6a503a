import assert from 'node:assert/strict';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { nativeCalls } from './native.ts';

const skip = nativeCalls === undefined && 'the calls are not to be had on this machine';

async function fileOf(t: TestContext, content: Uint8Array) {
  const folder = await mkdtemp(join(tmpdir(), 'firn-native-'));
  const file = await open(join(folder, 'file'), 'w+');
  t.after(async () => {
    await file.close();
    await rm(folder, { recursive: true });
  });
  await file.write(content);
  return { file, path: join(folder, 'file') };
}

test(
  'what was just written is read from memory, up to the end of the file',
  { skip },
  async (t) => {
    const { file } = await fileOf(t, Buffer.alloc(6000, 7));
    const target = Buffer.alloc(4096);
    assert.equal(nativeCalls?.readCached(file.fd, target, 1000), 4096);
    assert.deepEqual(target, Buffer.alloc(4096, 7));
    assert.equal(nativeCalls?.readCached(file.fd, target, 4096), 6000 - 4096);
    assert.equal(nativeCalls?.readCached(file.fd, target, 8192), 0);
    assert.equal(nativeCalls?.readCached(file.fd, target, 2 ** 43) ?? 0, 0);
  },
);

test('a file that is not open says nothing', { skip }, () => {
  assert.ok((nativeCalls?.readCached(1_000_000, Buffer.alloc(1), 0) ?? 0) < 0);
});

test('a hole reads as zeros and takes no room', { skip }, async (t) => {
  const { file, path } = await fileOf(t, Buffer.alloc(1 << 20, 9));
  await file.sync();
  const before = (await stat(path)).blocks;
  try {
    await nativeCalls?.punchHole(file.fd, 4096, (1 << 20) - 8192);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('EOPNOTSUPP')) return t.skip('no holes');
    throw error;
  }
  const { size, blocks } = await stat(path);
  assert.equal(size, 1 << 20);
  assert.ok(blocks < before, `${blocks} blocks after ${before}`);
  const content = Buffer.alloc(8192);
  await file.read(content, 0, 8192, 0);
  assert.deepEqual(content, Buffer.concat([Buffer.alloc(4096, 9), Buffer.alloc(4096)]));
});

test('a failure carries the name of the system error', { skip }, async () => {
  await assert.rejects(nativeCalls?.punchHole(1_000_000, 0, 4096) ?? Promise.resolve(), {
    code: 'EBADF',
  });
});
