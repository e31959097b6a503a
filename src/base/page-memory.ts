import { bindNative } from './native-library.ts';

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

/**
 * The offset of the first page that begins in `memory`, the same in every thread of this process; 0
 * where that is unknown.
 */
export function firstPageIn(memory: SharedArrayBuffer): number {
  const into = bytesIntoPage(new Uint8Array(memory)) ?? 0;
  return (pageBytes - into) % pageBytes;
}
