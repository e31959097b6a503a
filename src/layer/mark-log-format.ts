import { crc32 } from 'node:zlib';
import type { SectorKind } from './sector.ts';
import { absent, data, zero } from './sector.ts';

/**
 * A log of marks (docs/formats/layer.md, Log of marks): what a layer has marked since a flush
 * began. It is never synced, so it holds only as long as the page cache does: for the death of the
 * process, and not beyond the boot that its header names.
 */
export interface LoggedMark {
  readonly first: number;
  readonly end: number;
  readonly kind: SectorKind;
}

/** What a file that is a log of this boot says. */
export interface MarkLogContent {
  /** Later flushes have higher numbers. */
  readonly generation: number;
  /** In the order in which they were made, up to the first that is torn. */
  readonly marks: Iterable<LoggedMark>;
}

/** The names of the two files of a layer; generation g is in file g mod 2. */
export const markLogFiles: readonly [string, string] = ['marks-0', 'marks-1'];
export const logHeaderBytes = 48;
export const logRecordBytes = 16;
/** Tells one run of the host's kernel from all others. */
export const bootIdPath = '/proc/sys/kernel/random/boot_id';

const magic = 'FIRN-LOG';
const formatVersion = 1;
const bootIdAt = 12;
const generationAt = 28;
const headerCheckAt = logHeaderBytes - 4;
const recordCheckAt = logRecordBytes - 4;

/** The 16 bytes of a boot id as the kernel writes it; undefined when it is none. */
export function parseBootId(text: string): Buffer | undefined {
  const digits = text.trim().replaceAll('-', '');
  return /^[0-9a-f]{32}$/.test(digits) ? Buffer.from(digits, 'hex') : undefined;
}

export function formatLogHeader(bootId: Uint8Array, generation: number): Buffer {
  const header = Buffer.alloc(logHeaderBytes);
  header.write(magic, 0, 'latin1');
  header.writeUInt32LE(formatVersion, magic.length);
  header.set(bootId, bootIdAt);
  header.writeBigUInt64LE(BigInt(generation), generationAt);
  header.writeUInt32LE(crc32(header.subarray(0, headerCheckAt)), headerCheckAt);
  return header;
}

/** The check value of a header, with which those of the records begin. */
export function headerCheck(header: Buffer): number {
  return header.readUInt32LE(headerCheckAt);
}

/**
 * Writes a record into `target`, and answers its check value. That of the record before goes into
 * it: so of what an earlier use of the file has left, nothing is taken for a record of this one.
 */
export function putRecord(target: Buffer, at: number, mark: LoggedMark, before: number): number {
  target.writeUIntLE(mark.first, at, 6);
  target.writeUInt16LE(mark.kind, at + 6);
  target.writeUInt32LE(mark.end - mark.first, at + 8);
  const check = crc32(target.subarray(at, at + recordCheckAt), before);
  target.writeUInt32LE(check, at + recordCheckAt);
  return check;
}

/** Reads a file; undefined when it is no log of this boot. */
export function parseMarkLog(content: Buffer, bootId: Uint8Array): MarkLogContent | undefined {
  if (content.byteLength < logHeaderBytes) return undefined;
  const generation = Number(content.readBigUInt64LE(generationAt));
  const expected = formatLogHeader(bootId, generation);
  if (!content.subarray(0, logHeaderBytes).equals(expected)) return undefined;
  return { generation, marks: { [Symbol.iterator]: () => recordsOf(content) } };
}

function* recordsOf(content: Buffer): Generator<LoggedMark> {
  let check = headerCheck(content);
  for (let at = logHeaderBytes; at + logRecordBytes <= content.byteLength; at += logRecordBytes) {
    check = crc32(content.subarray(at, at + recordCheckAt), check);
    if (content.readUInt32LE(at + recordCheckAt) !== check) return;
    const kind = kindOf(content.readUInt16LE(at + 6));
    if (kind === undefined) return;
    const first = content.readUIntLE(at, 6);
    yield { first, end: first + content.readUInt32LE(at + 8), kind };
  }
}

function kindOf(value: number): SectorKind | undefined {
  return ([absent, data, zero] as const).find((kind) => kind === value);
}
