import { KiB, MiB } from './bytes.ts';
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

/** Asks for huge pages, as far as these bytes, which begin with one, fill whole ones. */
function adviseHuge(address: number, lengthBytes: number): void {
  const wholeBytes = lengthBytes - (lengthBytes % hugePageBytes);
  if (address > 0 && wholeBytes > 0) advise?.(address, wholeBytes, MADV_HUGEPAGE);
}

/**
 * Memory with any content for the disk to read to and to write from, of huge pages as far as it
 * fills whole ones, where that can be. A disk is told of each piece of memory that lies apart: of
 * huge pages it is told once, of others for every 4 KiB.
 */
export function hugeBuffer(lengthBytes: number): Buffer<ArrayBuffer> {
  const memory = Buffer.allocUnsafeSlow(lengthBytes + hugePageBytes);
  const address = addressOf?.(memory) ?? 0;
  const start = (hugePageBytes - (address % hugePageBytes)) % hugePageBytes;
  if (address > 0) adviseHuge(address + start, lengthBytes);
  return memory.subarray(start, start + lengthBytes);
}

/**
 * The offset of the first place in `memory` where a huge page may begin, the same in every thread
 * of this process; 0 where that is unknown. Asks for such pages for the `lengthBytes` from there.
 */
export function firstHugePageIn(memory: SharedArrayBuffer, lengthBytes: number): number {
  const address = addressOf?.(new Uint8Array(memory)) ?? 0;
  const start = (hugePageBytes - (address % hugePageBytes)) % hugePageBytes;
  if (address > 0) adviseHuge(address + start, lengthBytes);
  return start;
}
