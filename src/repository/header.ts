/**
 * How a repository says what it is, and how its master key is kept.
 *
 * `repository.json` is written once, last when a repository is made, and holds no key:
 *
 *     { "format": "firn-repository", "version": 1, "repositoryId": UUID, "createdAt": ISO 8601 }
 *
 * `keys/<key id>` holds the master key, wrapped. There may be several, for several wrapping keys,
 * so that one can be added and another removed without overwriting anything:
 *
 *     { "format": "firn-key", "version": 1, "repositoryId": UUID, "kind": "key-file",
 *       "wrapped": base64 of nonce (12) ‖ ciphertext (32) ‖ tag (16) }
 *
 * The key id is derived from the wrapping key, so that a wrong key is told from a damaged object.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { assert } from '../base/assert.ts';
import { type Clock, isoMicros } from '../base/clock.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { isUuid, newId } from '../base/ids.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import type { Store } from '../store/store.ts';
import { getBounded } from './bounded-get.ts';
import { keyBytes, RepositoryKeys } from './keys.ts';

const headerName = 'repository.json';
const headerBytesMax = 4096;
const nonceBytes = 12;
const tagBytes = 16;

/** Writes a new, empty repository. Rejects with `exists` when there is one. */
export async function writeHeader(
  store: Store,
  { wrappingKey, clock }: { wrappingKey: Uint8Array; clock: Clock },
): Promise<void> {
  if ((await store.sizeOf(headerName)) !== undefined) throw existsError(store);
  const repositoryId = newId();
  const keyName = `keys/${keyIdOf(wrappingKey, repositoryId)}`;
  const wrapped = wrap(randomBytes(keyBytes), wrappingKey, repositoryId);
  const key = { format: 'firn-key', version: 1, repositoryId, kind: 'key-file', wrapped };
  await store.put(keyName, [Buffer.from(JSON.stringify(key))]);
  const createdAt = isoMicros(clock.now());
  const header = { format: 'firn-repository', version: 1, repositoryId, createdAt };
  try {
    await store.put(headerName, [Buffer.from(JSON.stringify(header))]);
  } catch (error) {
    if (!isOperatingError(error, 'exists')) throw error;
    // Somebody else made one in the meantime; the key of ours opens nothing.
    await store.remove(keyName);
    throw existsError(store);
  }
}

/**
 * Reads what `writeHeader` wrote. Rejects with `not_found` when there is no repository, `wrong_key`
 * when no wrapped key is for this wrapping key, and `corrupt`.
 */
export async function readHeader(store: Store, wrappingKey: Uint8Array): Promise<RepositoryKeys> {
  const header = await readJson(store, headerName, 'firn-repository');
  const repositoryId = header['repositoryId'];
  if (typeof repositoryId !== 'string' || !isUuid(repositoryId)) throw damaged(headerName);
  const keyName = `keys/${keyIdOf(wrappingKey, repositoryId)}`;
  if ((await store.sizeOf(keyName)) === undefined) {
    throw new OperatingError('wrong_key', `the key at hand does not open ${store.url}`);
  }
  const key = await readJson(store, keyName, 'firn-key');
  const wrapped = key['wrapped'];
  if (key['repositoryId'] !== repositoryId || typeof wrapped !== 'string') throw damaged(keyName);
  return new RepositoryKeys(unwrap(wrapped, wrappingKey, repositoryId, keyName), repositoryId);
}

async function readJson(store: Store, name: string, format: string): Promise<JsonObject> {
  const text = Buffer.from(await getBounded(store, name, headerBytesMax)).toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(name, error);
  }
  if (!isJsonObject(value) || value['format'] !== format) throw damaged(name);
  if (value['version'] !== 1) {
    throw new OperatingError('corrupt', `${name} has a format that this version does not know`);
  }
  return value;
}

/** The name of the wrapped key that `wrappingKey` opens; tells nothing about the key itself. */
function keyIdOf(wrappingKey: Uint8Array, repositoryId: string): string {
  assert(wrappingKey.length === keyBytes, 'a wrapping key has 32 bytes');
  const id = hkdfSync('sha256', wrappingKey, repositoryId, 'firn/1 wrapping key id', 16);
  return Buffer.from(id).toString('hex');
}

function wrap(masterKey: Uint8Array, wrappingKey: Uint8Array, repositoryId: string): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', wrappingKey, nonce);
  cipher.setAAD(Buffer.from(`key ${repositoryId}`));
  const parts = [nonce, cipher.update(masterKey), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat(parts).toString('base64');
}

function unwrap(
  wrapped: string,
  wrappingKey: Uint8Array,
  repositoryId: string,
  name: string,
): Uint8Array {
  const bytes = Buffer.from(wrapped, 'base64');
  if (bytes.length !== nonceBytes + keyBytes + tagBytes) throw damaged(name);
  try {
    const nonce = bytes.subarray(0, nonceBytes);
    const decipher = createDecipheriv('aes-256-gcm', wrappingKey, nonce);
    decipher.setAAD(Buffer.from(`key ${repositoryId}`));
    decipher.setAuthTag(bytes.subarray(nonceBytes + keyBytes));
    const masterKey = decipher.update(bytes.subarray(nonceBytes, nonceBytes + keyBytes));
    decipher.final();
    return masterKey;
  } catch (error) {
    throw damaged(name, error);
  }
}

function damaged(name: string, cause?: unknown): OperatingError {
  return new OperatingError('corrupt', `${name} is damaged`, { cause });
}

function existsError(store: Store): OperatingError {
  return new OperatingError('exists', `${store.url} holds a repository already`);
}
