import type { FileOperations } from './file-operations.ts';
import { directoryAt, directoryBytes, mapHeader } from './map-format.ts';
import { sealBlock } from './sealed-block.ts';

/** A map in which every sector is absent: the header, and an empty directory. */
export function emptyMap(): Uint8Array {
  const directory = sealBlock(new Uint8Array(directoryBytes), directoryAt(0));
  return Buffer.concat([mapHeader(), directory]);
}

/**
 * Makes the map of an empty layer, with durable content; the caller makes its name durable. So a
 * map never begins empty, and one that was cut off is not taken for one that says nothing.
 */
export async function createMapFile(operations: FileOperations, path: string): Promise<void> {
  const file = await operations.open(path, 'create');
  try {
    await file.write(emptyMap(), 0);
    await file.datasync();
  } finally {
    await file.close();
  }
}
