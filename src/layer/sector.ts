/** The unit of copy-on-write, in bytes. */
export const sectorBytes = 4096;

/** What a map says of a sector: nothing, look in the layer below. */
export const absent = 0;
/** The sector's bytes are in the data file of this layer. */
export const data = 1;
/** The sector reads as zeros, whatever the layers below hold. */
export const zero = 2;

export type SectorKind = typeof absent | typeof data | typeof zero;

/** The sectors of a volume of `lengthBytes`; the last one may be cut short by its end. */
export function sectorsIn(lengthBytes: number): number {
  return Math.ceil(lengthBytes / sectorBytes);
}
