import { isJsonObject, type JsonObject, type JsonValue } from '../base/json.ts';
import { isUuid } from '../base/ids.ts';

/**
 * What fills a layer that is not whole yet: a backup. It names the backup's map itself, so that the
 * bytes can be had as long as somebody keeps them, with or without the backup's own record.
 */
export interface Backing {
  /** Where in the store the repository is. */
  readonly container: string;
  readonly backupId: string;
  /** The root of the backup's map: 64 hexadecimal digits, and its number of levels. */
  readonly rootId: string;
  readonly depth: number;
  /** The size of the backup; what lies behind it is zeros. */
  readonly lengthBytes: number;
  /** All that the backup holds before this is in the layer, durably. */
  readonly doneBytes: number;
}

/** The unit in which a backed layer is filled: it has a block of its backup whole or not at all. */
export const backedBlockBytes = 64 * 1024;
/** The blocks that one page of a layer's map describes. */
export const blocksOfPage = 1024;
const textMax = 255;

/** Undefined when the value is no backing. */
export function parseBacking(value: JsonValue | undefined): Backing | undefined {
  if (!isJsonObject(value)) return undefined;
  const { container, backupId, rootId, depth, lengthBytes, doneBytes } = value;
  if (typeof container !== 'string' || container.length > textMax) return undefined;
  if (typeof backupId !== 'string' || !isUuid(backupId)) return undefined;
  if (typeof rootId !== 'string' || !/^[0-9a-f]{64}$/.test(rootId)) return undefined;
  const counts = [depth, lengthBytes, doneBytes];
  if (!counts.every((each) => typeof each === 'number' && Number.isSafeInteger(each) && each >= 0))
    return undefined;
  const numbers = { depth: Number(depth), lengthBytes: Number(lengthBytes) };
  return { container, backupId, rootId, ...numbers, doneBytes: Number(doneBytes) };
}

export function backingValue(backing: Backing): JsonObject {
  return { ...backing };
}

/**
 * Where the bytes of backed layers come from until they are there. Errors are operating errors;
 * whoever asked may ask again.
 */
export interface BackingSource {
  /**
   * Of the 64 MiB that a page of a layer's map describes: a bit for each block, set where the
   * backup holds data. 128 bytes, the first block in the lowest bit of the first.
   */
  blocks(backing: Backing, page: number): Promise<Uint8Array>;
  /**
   * Fills `target`, which lies in memory that threads share, with the bytes from `offsetBytes` on,
   * which is where a block begins; zeros where the backup has none. All lies within the backup.
   */
  read(backing: Backing, offsetBytes: number, target: Uint8Array): Promise<void>;
}
