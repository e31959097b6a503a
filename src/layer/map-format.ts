import { OperatingError } from '../base/errors.ts';
import { contentBytes, openBlock, sealBlock, storedBytes } from './sealed-block.ts';

/**
 * The `map` file of a layer (docs/formats/layer.md).
 *
 * A header, then groups of one directory and 32,768 pages, each of them a sealed block at a fixed
 * place in a sparse file. A bit of the directory says whether its page was ever written. Header and
 * first directory are there from the beginning.
 */
export const directoryBytes = contentBytes;
/** One directory describes 2 TiB of the volume. */
export const pagesPerDirectory = directoryBytes * 8;

const magic = 'FIRN-MAP';
/** 1 had no checksums. */
const formatVersion = 2;

/** Where the directory of a group of pages begins in the file. */
export function directoryAt(group: number): number {
  return storedBytes + group * (1 + pagesPerDirectory) * storedBytes;
}

/** Where a page begins in the file. */
export function pageAt(page: number): number {
  const group = Math.floor(page / pagesPerDirectory);
  return directoryAt(group) + (1 + (page % pagesPerDirectory)) * storedBytes;
}

/** The sealed header: magic, format version as a 32-bit little-endian number, zeros. */
export function mapHeader(): Uint8Array {
  const header = Buffer.alloc(contentBytes);
  header.write(magic, 0, 'latin1');
  header.writeUInt32LE(formatVersion, magic.length);
  return sealBlock(header, 0);
}

/** Checks a header that was read. Throws `corrupt` when it is no header of this version. */
export function checkMapHeader(stored: Uint8Array, path: string): void {
  const { content, empty, damaged } = openBlock(stored, 0);
  const version = versionOf(content) ?? versionOf(stored);
  if (version !== undefined && version !== formatVersion) {
    throw new OperatingError('corrupt', `${path} has the unknown format version ${version}.`);
  }
  if (version === undefined || empty.length > 0 || damaged.length > 0) {
    throw new OperatingError('corrupt', `${path} is not the map of a layer.`);
  }
}

/** True when a header, whatever its form, names a later version than this one. */
export function isNewerMap(stored: Uint8Array): boolean {
  const version = versionOf(stored);
  const isSealed = openBlock(stored, 0).content[0] !== 0;
  return version !== undefined && version > formatVersion && isSealed;
}

function versionOf(block: Uint8Array): number | undefined {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  if (bytes.toString('latin1', 0, magic.length) !== magic) return undefined;
  return bytes.readUInt32LE(magic.length);
}
