import { OperatingError } from '../base/errors.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import type { Store } from '../store/store.ts';
import { getBounded } from './bounded-get.ts';

/** Those objects of a repository that are plain JSON are short. */
const bytesMax = 4096;

/** Reads an object that is JSON of version 1 of a format. Rejects with `not_found` or `corrupt`. */
export async function readJsonObject(
  store: Store,
  name: string,
  format: string,
): Promise<JsonObject> {
  const text = Buffer.from(await getBounded(store, name, bytesMax)).toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damagedObject(name, error);
  }
  if (!isJsonObject(value) || value['format'] !== format) throw damagedObject(name);
  if (value['version'] !== 1) {
    throw new OperatingError('corrupt', `${name} has a format that this version does not know`);
  }
  return value;
}

export function damagedObject(name: string, cause?: unknown): OperatingError {
  return new OperatingError('corrupt', `${name} is damaged`, { cause });
}
