/** The client against QEMU's NBD server. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import test from 'node:test';
import { connectNbd } from './nbd.ts';

const MiB = 1024 * 1024;
const lengthBytes = 80 * MiB;

async function isInstalled(tool: string): Promise<boolean> {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = await Promise.allSettled(folders.map((folder) => access(join(folder, tool))));
  return found.some((result) => result.status === 'fulfilled');
}

test('what the client writes, zeroes and asks is so in qemu-nbd', async (context) => {
  if (!(await isInstalled('qemu-nbd'))) {
    assert.notEqual(process.env['CI'], 'true', 'qemu-nbd is installed on CI');
    context.skip('qemu-nbd is not installed');
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'firn-nbd-client-'));
  const image = join(folder, 'image.raw');
  const socket = join(folder, 'nbd.sock');
  const handle = await open(image, 'w');
  await handle.truncate(lengthBytes);
  await handle.close();
  const options = ['--format=raw', '--export-name=name', '--discard=unmap', `--socket=${socket}`];
  const server = spawn('qemu-nbd', [...options, '--fork', image], { stdio: 'inherit' });
  assert.deepEqual(await once(server, 'exit'), [0, null]);
  const client = await connectNbd({ uri: `nbd+unix:///name?socket=${socket}` });
  assert.equal(client.lengthBytes, lengthBytes);
  const expected = Buffer.alloc(lengthBytes);
  const data = randomBytes(40 * MiB);
  data.copy(expected, 4 * MiB);
  await client.write(4 * MiB, data);
  await client.zero(8 * MiB, 2 * MiB, { fua: true });
  expected.fill(0, 8 * MiB, 10 * MiB);
  await client.trim(60 * MiB, MiB);
  const target = Buffer.alloc(lengthBytes, 1);
  await client.read(0, target);
  assert.ok(target.equals(expected));
  await assert.rejects(client.read(lengthBytes, Buffer.alloc(1)), { message: /EINVAL/ });
  await client.flush();
  assert.ok((await readFile(image)).equals(expected));
  const extents = await client.extents(0, lengthBytes);
  const dataBytes = extents.reduce(
    (sum, extent) => sum + (extent.kind === 'data' ? extent.lengthBytes : 0),
    0,
  );
  assert.equal(dataBytes, 38 * MiB);
  await client.disconnect();
  await rm(folder, { recursive: true });
});
