import { OperatingError } from '../base/errors.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import type { Store } from '../store/store.ts';
import { fromAnyCopy } from './any-copy.ts';
import { getBounded } from './bounded-get.ts';

/** Those objects of a repository that are plain JSON are short. */
export const jsonBytesMax = 4096;

/** Reads an object that is JSON of version 1 of a format. Rejects with `not_found` or `corrupt`. */
export async function readJsonObject(
  store: Store,
  name: string,
  format: string,
): Promise<JsonObject> {
  return fromAnyCopy(store, async (each) =>
    parseJsonObject(await getBounded(each, name, jsonBytesMax), name, format),
  );
}

/** What the bytes of such an object say. Throws `corrupt`. */
export function parseJsonObject(bytes: Uint8Array, name: string, format: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch (error) {
    throw damagedObject(name, error);
  }
  if (!isJsonObject(value) || value['format'] !== format) throw damagedObject(name);
  if (value['version'] !== 1) {
    throw new OperatingError('corrupt', `${name} has a format that this version does not know`);
  }
  return value;
}

/** The same, of bytes that must be just what Firn wrote. Throws `corrupt`. */
export function parseAsWritten(bytes: Uint8Array, name: string, format: string): JsonObject {
  const value = parseJsonObject(bytes, name, format);
  if (JSON.stringify(value) === Buffer.from(bytes).toString()) return value;
  throw damagedObject(name);
}

export function damagedObject(name: string, cause?: unknown): OperatingError {
  return new OperatingError('corrupt', `${name} is damaged`, { cause });
}
