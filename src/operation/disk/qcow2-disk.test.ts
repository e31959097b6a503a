import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import * as fc from 'fast-check';
import { isOperatingError } from '../../base/errors.ts';
import type { Readable } from './disk-content.ts';
import { qcow2Disk } from './qcow2-disk.ts';

const clusterBytes = 512;
const perTable = clusterBytes / 8;

function readable(bytes: Buffer): Readable {
  return {
    sizeBytes: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}

async function contentOf(file: Buffer): Promise<Buffer> {
  const disk = await qcow2Disk(readable(file));
  // A file that was changed may claim more than is worth keeping.
  const content = Buffer.alloc(Math.min(disk.lengthBytes, 2 ** 20));
  for await (const { offsetBytes, bytes } of disk.pieces()) {
    assert.ok(offsetBytes + bytes.length <= disk.lengthBytes, 'within the disk');
    if (offsetBytes + bytes.length <= content.length) content.set(bytes, offsetBytes);
  }
  return content;
}

/** A version-2 file of 512-byte clusters: one written, one compressed, the rest absent. */
function sampleFile(): { file: Buffer; content: Buffer } {
  const content = Buffer.alloc(perTable * clusterBytes + 700);
  content.fill('written', 3 * clusterBytes, 4 * clusterBytes);
  content.fill('packed', (perTable + 1) * clusterBytes, content.length);
  const file = Buffer.alloc(7 * clusterBytes);
  file.writeUInt32BE(0x514649fb, 0);
  file.writeUInt32BE(2, 4);
  file.writeUInt32BE(9, 20);
  file.writeBigUInt64BE(BigInt(content.length), 24);
  file.writeUInt32BE(2, 36);
  file.writeBigUInt64BE(512n, 40);
  const [first, second, data, packed] = [2, 3, 4, 5].map((each) => each * clusterBytes);
  file.writeBigUInt64BE(BigInt(first ?? 0), 512);
  file.writeBigUInt64BE(BigInt(second ?? 0), 520);
  file.writeBigUInt64BE(BigInt(data ?? 0), (first ?? 0) + 3 * 8);
  content.copy(file, data, 3 * clusterBytes, 4 * clusterBytes);
  const cluster = Buffer.alloc(clusterBytes);
  content.copy(cluster, 0, (perTable + 1) * clusterBytes);
  deflateRawSync(cluster).copy(file, packed);
  file.writeBigUInt64BE((1n << 62n) | BigInt(packed ?? 0), (second ?? 0) + 8);
  return { file, content };
}

test('clusters that are written, compressed and absent are read', async () => {
  const { file, content } = sampleFile();
  assert.ok((await contentOf(file)).equals(content));
});

test('what would lead out of the file, or is not known, is refused', async () => {
  const { file } = sampleFile();
  const changed = (change: (file: Buffer) => void): Buffer => {
    const copy = Buffer.from(file);
    change(copy);
    return copy;
  };
  const cases: [Buffer, RegExp][] = [
    [changed((copy) => copy.writeBigUInt64BE(600n, 8)), /backing file/],
    [changed((copy) => copy.writeUInt32BE(1, 32)), /encrypted/],
    [changed((copy) => copy.writeUInt32BE(4, 4)), /version 4/],
    [changed((copy) => copy.writeUInt32BE(31, 20)), /clusters of 2\^31/],
    [changed((copy) => copy.writeBigUInt64BE(1n << 60n, 24)), /size is out of range/],
    [changed((copy) => copy.writeBigUInt64BE(1n << 40n, 24)), /first table is too short/],
    [changed((copy) => copy.writeBigUInt64BE(1n << 40n, 40)), /cut off/],
    [file.subarray(0, 60), /none/],
    [Buffer.from('not at all'.repeat(20)), /none/],
  ];
  for (const [bytes, message] of cases) {
    await assert.rejects(contentOf(bytes), { code: 'invalid_input', message });
  }
});

test('whatever is changed in a file, it is read or refused', async () => {
  const { file } = sampleFile();
  const flips = fc.array(
    fc.tuple(fc.integer({ min: 28, max: file.length - 1 }), fc.integer({ min: 0, max: 255 })),
    { minLength: 1, maxLength: 6 },
  );
  await fc.assert(
    fc.asyncProperty(flips, async (changes) => {
      const copy = Buffer.from(file);
      for (const [at, value] of changes) copy[at] = value;
      await contentOf(copy).catch((error: unknown) => {
        assert.ok(isOperatingError(error, 'invalid_input'), String(error));
      });
    }),
    { numRuns: 400 },
  );
});
