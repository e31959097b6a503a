import { OperatingError } from '../base/errors.ts';
import { pageBytes } from './map-page.ts';

/**
 * The `map` file of a layer (docs/formats/layer.md).
 *
 * An empty file is a map in which every sector is absent. Otherwise: a header of 4 KiB, then groups
 * of one directory and 32,768 pages, each of them 4 KiB, at fixed places in a sparse file. A bit of
 * the directory says whether its page was ever written.
 */
export const headerBytes = 4096;
export const directoryBytes = 4096;
/** One directory describes 2 TiB of the volume. */
export const pagesPerDirectory = directoryBytes * 8;

const magic = 'FIRN-MAP';
const formatVersion = 1;

/** Where the directory of a group of pages begins in the file. */
export function directoryAt(group: number): number {
  return headerBytes + group * (directoryBytes + pagesPerDirectory * pageBytes);
}

/** Where a page begins in the file. */
export function pageAt(page: number): number {
  const group = Math.floor(page / pagesPerDirectory);
  return directoryAt(group) + directoryBytes + (page % pagesPerDirectory) * pageBytes;
}

/** The header: magic, format version as a 32-bit little-endian number, zeros. */
export function mapHeader(): Uint8Array {
  const header = Buffer.alloc(headerBytes);
  header.write(magic, 0, 'latin1');
  header.writeUInt32LE(formatVersion, magic.length);
  return header;
}

/** Checks a header that was read. Rejects with `corrupt`. */
export function readMapHeader(content: Uint8Array, path: string): void {
  const header = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  if (header.toString('latin1', 0, magic.length) !== magic) {
    throw new OperatingError('corrupt', `${path} is not the map of a layer.`);
  }
  const version = header.readUInt32LE(magic.length);
  if (version !== formatVersion) {
    throw new OperatingError('corrupt', `${path} has the unknown format version ${version}.`);
  }
}
