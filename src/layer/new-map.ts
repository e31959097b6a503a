import { directoryAt, directoryBytes, mapHeader } from './map-format.ts';
import { sealBlock } from './sealed-block.ts';

/**
 * A map in which every sector is absent: the header, and an empty directory. A map never begins
 * empty, so one that was cut off is not taken for one that says nothing.
 */
export function emptyMap(): Uint8Array {
  const directory = sealBlock(new Uint8Array(directoryBytes), directoryAt(0));
  return Buffer.concat([mapHeader(), directory]);
}
