import { KiB, MiB, roundUp } from './bytes.ts';
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

/** What the kernel can keep together as one page: on x86-64, and on arm64 with pages of 4 KiB. */
export const hugePageBytes = 2 * MiB;

/** Use huge pages, where the host lets who asks for them have some (asm-generic/mman-common.h). */
const MADV_HUGEPAGE = 14;

const advise = bindNative(({ library }) => {
  const types = ['uint64', 'size_t', 'int'];
  const call: (address: number, lengthBytes: number, advice: number) => number = library.func(
    'madvise',
    'int',
    types,
  );
  return call;
});

/**
 * Memory with any content for the disk to read to and to write from, of whole huge pages where that
 * can be. A disk is told of each piece of memory that lies apart: of huge pages it is told once,
 * of others for every 4 KiB.
 */
export function hugeBuffer(lengthBytes: number): Buffer<ArrayBuffer> {
  const wholeBytes = roundUp(lengthBytes, hugePageBytes);
  const memory = Buffer.allocUnsafeSlow(wholeBytes + hugePageBytes);
  const address = addressOf?.(memory) ?? 0;
  const start = (hugePageBytes - (address % hugePageBytes)) % hugePageBytes;
  advise?.(address + start, wholeBytes, MADV_HUGEPAGE);
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
