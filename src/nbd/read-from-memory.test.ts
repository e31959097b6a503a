import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { openSync, closeSync, rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { must } from '../base/assert.ts';
import { KiB, MiB } from '../base/bytes.ts';
import { OperatingError } from '../base/errors.ts';
import { connectNbd } from '../client/nbd.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import { socketCalls } from './socket-calls.ts';
import { RawPeer, startTestServer, until } from './test-server.ts';
import { command } from './wire.ts';

const skip = socketCalls === undefined && 'the calls are not to be had on this machine';
const lengthBytes = 4 * MiB;

/** A device and what it holds, which also lies in two files, half in each. */
async function openInFiles(t: TestContext) {
  const content = randomBytes(lengthBytes);
  const folder = await mkdtemp(join(tmpdir(), 'firn-memory-'));
  const descriptors: number[] = [];
  for (const half of [content.subarray(0, 2 * MiB), content.subarray(2 * MiB)]) {
    const path = join(folder, String(descriptors.length));
    await writeFile(path, half);
    descriptors.push(openSync(path, 'r'));
  }
  t.after(() => {
    for (const descriptor of descriptors) closeSync(descriptor);
    rmSync(folder, { recursive: true });
  });
  const memory = openMemoryDevice({ lengthBytes });
  await memory.write(0, content);
  const counts = { located: 0, readBytes: 0 };
  const device: BlockDevice = {
    lengthBytes,
    readOnly: false,
    read: (offset, target) => {
      counts.readBytes += target.byteLength;
      return memory.read(offset, target);
    },
    write: (offset, data) => memory.write(offset, data),
    zero: (offset, length) => memory.zero(offset, length),
    trim: (offset, length) => memory.trim(offset, length),
    flush: () => memory.flush(),
    extents: (offset, length) => memory.extents(offset, length),
    close: () => Promise.resolve(),
    immediate: {
      ...must(memory.immediate, 'memory takes no wait'),
      locate: (offset, length) => {
        counts.located += 1;
        return descriptors.flatMap((descriptor, half) => {
          const from = Math.max(offset, half * 2 * MiB);
          const end = Math.min(offset + length, (half + 1) * 2 * MiB);
          const positionBytes = from - half * 2 * MiB;
          return from < end ? [{ descriptor, positionBytes, lengthBytes: end - from }] : [];
        });
      },
    },
  };
  return { device, content, counts };
}

test('long reads are answered from where their bytes lie', { skip }, async (t) => {
  const { device, content, counts } = await openInFiles(t);
  await using rig = await startTestServer(device);
  const client = await connectNbd({ uri: rig.uri });
  for (const [offset, length] of [
    [0, 64 * KiB],
    [12_345, 70_001],
    [2 * MiB - 100_000, 256 * KiB],
  ] as const) {
    const target = Buffer.alloc(length);
    await client.read(offset, target);
    assert.ok(target.equals(content.subarray(offset, offset + length)), `${length} at ${offset}`);
  }
  assert.ok(counts.located > 0, 'it was asked for the place');
  assert.equal(counts.readBytes, 0, 'and nothing was copied');
  await client.disconnect();
});

for (const structured of [false, true]) {
  const kind = structured ? 'structured' : 'simple';
  test(`a slow client gets whole ${kind} answers, of all lengths`, { skip }, async (t) => {
    const { device, content, counts } = await openInFiles(t);
    await using rig = await startTestServer(device);
    const peer = new RawPeer(rig.path);
    await peer.go(rig.name, { structured });
    const lengths = [256 * KiB, 4 * KiB, 200_000, 512, 256 * KiB, 64 * KiB, 300 * KiB];
    const wanted = Array.from({ length: 40 }, (_, index) => ({
      offset: index * 50_001,
      length: must(lengths[index % lengths.length], 'a length'),
    }));
    for (const [index, { offset, length }] of wanted.entries()) {
      peer.request({ type: command.read, cookie: BigInt(index), offset: BigInt(offset), length });
    }
    await until(() => counts.readBytes > 0, 'the socket was full');
    const answered = new Set<number>();
    while (answered.size < wanted.length) {
      const head = must(await peer.receive(structured ? 28 : 16), 'an answer');
      const cookie = Number(head.readBigUInt64BE(8));
      const { offset, length } = must(wanted[cookie], 'a request');
      const bytes = must(await peer.receive(length), 'its bytes');
      assert.ok(bytes.equals(content.subarray(offset, offset + length)), `request ${cookie}`);
      answered.add(cookie);
    }
    peer.socket.destroy();
    await until(() => rig.watched.closed === 1, 'the device was closed');
  });
}

test('what is not in memory any more is read', { skip }, async (t) => {
  const { device, content } = await openInFiles(t);
  const immediate = must(device.immediate, 'it serves without a wait');
  let looks = 0;
  const forgetful: BlockDevice = {
    ...device,
    immediate: {
      ...immediate,
      locate: (offset, length) => {
        looks += 1;
        return looks % 2 === 1 ? immediate.locate?.(offset, length) : undefined;
      },
    },
  };
  await using rig = await startTestServer(forgetful);
  const client = await connectNbd({ uri: rig.uri });
  const target = Buffer.alloc(250_000);
  await client.read(77, target);
  assert.ok(target.equals(content.subarray(77, 77 + target.length)));
  assert.ok(looks > 1);
  await client.disconnect();
});

test('when the rest of an answer cannot be read, the connection ends', { skip }, async (t) => {
  const { device } = await openInFiles(t);
  const immediate = must(device.immediate, 'it serves without a wait');
  let looks = 0;
  await using rig = await startTestServer({
    ...device,
    read: () => Promise.reject(new OperatingError('io', 'the disk is broken')),
    immediate: {
      ...immediate,
      locate: (offset, length) => {
        looks += 1;
        return looks === 1 ? immediate.locate?.(offset, length) : undefined;
      },
    },
  });
  const peer = new RawPeer(rig.path);
  await peer.go(rig.name);
  peer.request({ type: command.read, length: 128 * KiB });
  assert.ok((await peer.receive(16)) !== undefined, 'the answer had begun');
  await peer.closed;
  await until(() => rig.watched.closed === 1, 'the device was closed');
  assert.ok(rig.events.some((event) => event.kind === 'fault'));
});

test('a client that leaves its answers does not keep the server open', { skip }, async (t) => {
  const { device, counts } = await openInFiles(t);
  await using rig = await startTestServer(device, { limits: { closeTimeoutMs: 50 } });
  const peer = new RawPeer(rig.path);
  await peer.go(rig.name);
  for (let cookie = 0n; cookie < 20n; cookie += 1n) {
    peer.request({ type: command.read, cookie, length: 256 * KiB });
  }
  await until(() => counts.readBytes > 0, 'the socket was full');
  await rig.server.close();
  assert.equal(rig.watched.closed, 1);
});
