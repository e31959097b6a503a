import { KiB } from './bytes.ts';
import { bindNative } from './native-library.ts';

/** Of a shorter read or write, a copy by the page cache is cheaper than a wait for the disk. */
export const longBytes = 256 * KiB;

/** A disk reads and writes memory by pieces that begin at a multiple of this. */
export const pageBytes = 4096;

const addressOf = bindNative(({ koffi }) => (bytes: Uint8Array): number => {
  return Number(koffi.address(bytes));
});

/** How many bytes lie between the start of a page and that of `bytes`; undefined if unknown. */
export function bytesIntoPage(bytes: Uint8Array): number | undefined {
  const address = addressOf?.(bytes);
  return address === undefined ? undefined : address % pageBytes;
}

/** Memory with any content that begins at a page, where that can be known. */
export function pageBuffer(lengthBytes: number): Buffer<ArrayBuffer> {
  const memory = Buffer.allocUnsafeSlow(lengthBytes + pageBytes);
  const into = bytesIntoPage(memory) ?? 0;
  const start = (pageBytes - into) % pageBytes;
  return memory.subarray(start, start + lengthBytes);
}

/**
 * The offset of the first page that begins in `memory`, the same in every thread of this process; 0
 * where that is unknown.
 */
export function firstPageIn(memory: SharedArrayBuffer): number {
  const into = bytesIntoPage(new Uint8Array(memory)) ?? 0;
  return (pageBytes - into) % pageBytes;
}
