/**
 * The partition table of a disk: GPT as in the UEFI specification 2.10, chapter 5, and the MBR as
 * PCs have it. Sectors are of 512 bytes, or of 4096 where the GPT lies there.
 */
import { crc32 } from 'node:zlib';
import type { BlockDevice } from '../volume/block-device.ts';

export interface Partition {
  /** As systems count them, from 1. */
  readonly number: number;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

export interface PartitionTable {
  readonly kind: 'gpt' | 'mbr' | 'none';
  readonly partitions: readonly Partition[];
  /** What is wrong with the table; empty for a sound one. */
  readonly faults: readonly string[];
}

const headerBytes = 92;
const entriesMax = 1024;
const extendedTypes: readonly number[] = [0x05, 0x0f, 0x85];
const protectiveType = 0xee;

/** Reads the table. What is not well-formed is a fault, not an error. */
export async function readPartitions(device: BlockDevice): Promise<PartitionTable> {
  const first = await bytesAt(device, 0, 512);
  const hasSignature = first.readUInt16LE(510) === 0xaa55;
  for (const sectorBytes of [512, 4096]) {
    const header = await bytesAt(device, sectorBytes, headerBytes);
    if (header.toString('latin1', 0, 8) !== 'EFI PART') continue;
    return readGpt(device, header, sectorBytes);
  }
  if (!hasSignature) return { kind: 'none', partitions: [], faults: [] };
  return readMbr(device, first);
}

async function bytesAt(device: BlockDevice, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const there = Math.max(0, Math.min(length, device.lengthBytes - offset));
  if (there > 0) await device.read(offset, bytes.subarray(0, there));
  return bytes;
}

async function readGpt(
  device: BlockDevice,
  header: Buffer,
  sectorBytes: number,
): Promise<PartitionTable> {
  const faults: string[] = [];
  const plain = Buffer.from(header);
  plain.writeUInt32LE(0, 16);
  if (crc32(plain) !== header.readUInt32LE(16)) faults.push('the GPT header has a wrong checksum');
  const entriesAt = Number(header.readBigUInt64LE(72)) * sectorBytes;
  const count = header.readUInt32LE(80);
  const entryBytes = header.readUInt32LE(84);
  if (count > entriesMax || entryBytes < 128 || entryBytes > 4096) {
    return { kind: 'gpt', partitions: [], faults: [...faults, 'the GPT header makes no sense'] };
  }
  const entries = await bytesAt(device, entriesAt, count * entryBytes);
  if (crc32(entries) !== header.readUInt32LE(88)) faults.push('the GPT has a wrong checksum');
  const partitions: Partition[] = [];
  for (let index = 0; index < count; index += 1) {
    const entry = entries.subarray(index * entryBytes, (index + 1) * entryBytes);
    if (entry.subarray(0, 16).every((byte) => byte === 0)) continue;
    const from = Number(entry.readBigUInt64LE(32)) * sectorBytes;
    const end = (Number(entry.readBigUInt64LE(40)) + 1) * sectorBytes;
    addPartition(device, { number: index + 1, from, end }, { partitions, faults });
  }
  const copyAt = Number(header.readBigUInt64LE(32)) * sectorBytes;
  const copy = await bytesAt(device, copyAt, 8);
  if (copy.toString('latin1') !== 'EFI PART') faults.push('the second copy of the GPT is missing');
  return { kind: 'gpt', partitions, faults };
}

async function readMbr(device: BlockDevice, first: Buffer): Promise<PartitionTable> {
  const partitions: Partition[] = [];
  const faults: string[] = [];
  for (let index = 0; index < 4; index += 1) {
    const entry = first.subarray(446 + index * 16, 462 + index * 16);
    const flag = entry[0] ?? 0;
    const type = entry[4] ?? 0;
    // A boot sector of a filesystem has the signature too, and other things where the table is.
    if (flag !== 0 && flag !== 0x80) return { kind: 'none', partitions: [], faults: [] };
    const from = entry.readUInt32LE(8) * 512;
    const end = from + entry.readUInt32LE(12) * 512;
    if (type === 0 || end === from) continue;
    if (type === protectiveType) {
      faults.push('the GPT that the first sector speaks of is missing');
    } else if (extendedTypes.includes(type)) {
      await readLogical(device, from, { partitions, faults });
    } else addPartition(device, { number: index + 1, from, end }, { partitions, faults });
  }
  return { kind: partitions.length + faults.length === 0 ? 'none' : 'mbr', partitions, faults };
}

interface Found {
  readonly partitions: Partition[];
  readonly faults: string[];
}

/** The chain of tables inside an extended partition. */
async function readLogical(device: BlockDevice, start: number, found: Found): Promise<void> {
  let at = start;
  for (let number = 5; number < 5 + 124; number += 1) {
    const table = await bytesAt(device, at, 512);
    if (table.readUInt16LE(510) !== 0xaa55) {
      found.faults.push(`the table of partition ${number} is missing`);
      return;
    }
    const from = at + table.readUInt32LE(446 + 8) * 512;
    const end = from + table.readUInt32LE(446 + 12) * 512;
    if (end > from) addPartition(device, { number, from, end }, found);
    const next = table.readUInt32LE(462 + 8);
    if (next === 0) return;
    at = start + next * 512;
  }
}

function addPartition(
  device: BlockDevice,
  { number, from, end }: { number: number; from: number; end: number },
  { partitions, faults }: Found,
): void {
  if (from >= end || end > device.lengthBytes) {
    faults.push(`partition ${number} does not lie within the disk`);
    return;
  }
  partitions.push({ number, offsetBytes: from, lengthBytes: end - from });
}
