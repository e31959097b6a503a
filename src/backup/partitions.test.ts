import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { MiB } from '../base/bytes.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import { readPartitions } from './partitions.ts';

const lengthBytes = 64 * MiB;
const sectors = lengthBytes / 512;

interface Range {
  readonly first: number;
  readonly last: number;
}

/** A GPT with its second copy, as the UEFI specification lays it out. */
function gpt(ranges: readonly Range[]): Buffer {
  const disk = Buffer.alloc(lengthBytes);
  disk[446 + 4] = 0xee;
  disk.writeUInt32LE(1, 446 + 8);
  disk.writeUInt32LE(sectors - 1, 446 + 12);
  disk.writeUInt16LE(0xaa55, 510);
  const entries = Buffer.alloc(128 * 128);
  for (const [index, { first, last }] of ranges.entries()) {
    entries.fill(7, index * 128, index * 128 + 32);
    entries.writeBigUInt64LE(BigInt(first), index * 128 + 32);
    entries.writeBigUInt64LE(BigInt(last), index * 128 + 40);
  }
  for (const [at, other, entriesAt] of [
    [1, sectors - 1, 2],
    [sectors - 1, 1, sectors - 33],
  ] as const) {
    const header = Buffer.alloc(92);
    header.write('EFI PART', 'latin1');
    header.writeUInt32LE(0x1_0000, 8);
    header.writeUInt32LE(92, 12);
    header.writeBigUInt64LE(BigInt(at), 24);
    header.writeBigUInt64LE(BigInt(other), 32);
    header.writeBigUInt64LE(BigInt(entriesAt), 72);
    header.writeUInt32LE(128, 80);
    header.writeUInt32LE(128, 84);
    header.writeUInt32LE(crc32(entries), 88);
    header.writeUInt32LE(crc32(header), 16);
    header.copy(disk, at * 512);
    entries.copy(disk, entriesAt * 512);
  }
  return disk;
}

async function tableOf(disk: Buffer): ReturnType<typeof readPartitions> {
  const device = openMemoryDevice({ lengthBytes });
  for (let at = 0; at < disk.length; at += MiB) await device.write(at, disk.subarray(at, at + MiB));
  return readPartitions(device);
}

const two = [
  { first: 2048, last: 4095 },
  { first: 8192, last: 20_479 },
];

test('a GPT is read, and a sound one has no faults', async () => {
  assert.deepEqual(await tableOf(gpt(two)), {
    kind: 'gpt',
    partitions: [
      { number: 1, offsetBytes: MiB, lengthBytes: MiB },
      { number: 2, offsetBytes: 4 * MiB, lengthBytes: 6 * MiB },
    ],
    faults: [],
  });
});

test('a bit that flips in a GPT is a fault, wherever it is', async () => {
  for (const at of [512 + 8, 512 + 17, 512 + 73, 512 + 81, 512 + 90, 1024 + 33, 1024 + 128 + 41]) {
    const disk = gpt(two);
    disk[at] = (disk[at] ?? 0) ^ 2;
    const { kind, faults } = await tableOf(disk);
    assert.equal(kind, 'gpt');
    assert.ok(faults.length > 0, `byte ${at}`);
  }
  const disk = gpt(two);
  disk.fill(0, (sectors - 1) * 512);
  assert.match((await tableOf(disk)).faults.join(), /second copy/);
  disk.fill(0, 512, 1024);
  assert.match((await tableOf(disk)).faults.join(), /the GPT .* is missing/);
});

test('an MBR is read with its logical partitions; what leads off the disk is a fault', async () => {
  const disk = Buffer.alloc(lengthBytes);
  const entry = (table: number, slot: number, type: number, from: number, count: number): void => {
    disk[table + 446 + slot * 16 + 4] = type;
    disk.writeUInt32LE(from, table + 446 + slot * 16 + 8);
    disk.writeUInt32LE(count, table + 446 + slot * 16 + 12);
    disk.writeUInt16LE(0xaa55, table + 510);
  };
  entry(0, 0, 0x83, 2048, 2048);
  entry(0, 1, 0x05, 8192, 40_000);
  entry(8192 * 512, 0, 0x83, 64, 1000);
  entry(8192 * 512, 1, 0x05, 4096, 2000);
  entry((8192 + 4096) * 512, 0, 0x82, 64, 500);
  const { kind, partitions, faults } = await tableOf(disk);
  assert.deepEqual([kind, faults], ['mbr', []]);
  assert.deepEqual(
    partitions.map(({ number, offsetBytes }) => [number, offsetBytes / 512]),
    [
      [1, 2048],
      [5, 8256],
      [6, 12_352],
    ],
  );
  entry(0, 2, 0x83, 100, 0x7fff_ffff);
  assert.match((await tableOf(disk)).faults.join(), /partition 3 does not lie within/);
});

test('an empty disk, and one that is a filesystem as a whole, have no table', async () => {
  const disk = Buffer.alloc(lengthBytes);
  assert.equal((await tableOf(disk)).kind, 'none');
  disk.fill(0x41, 446, 510);
  disk.writeUInt16LE(0xaa55, 510);
  assert.deepEqual(await tableOf(disk), { kind: 'none', partitions: [], faults: [] });
});
