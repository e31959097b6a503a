/**
 * The master key of a repository, wrapped: one object for each wrapping key, so that one can be
 * added and another removed without overwriting anything.
 *
 *     keys/<key id> = { "format": "firn-key", "version": 1, "repositoryId": UUID, "kind": …,
 *                       "wrapped": base64 of nonce (12) ‖ ciphertext (32) ‖ tag (16) }
 *
 * A wrapping key of the kind `key-file` is 32 random bytes; one of the kind `passphrase` is scrypt
 * (RFC 7914) of a passphrase, with `"scrypt": { "logN", "r", "p", "salt": base64 }` beside it. The
 * key id is derived from the wrapping key, so that a wrong key is told from a damaged object.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { assert } from '../base/assert.ts';
import { isOperatingError, isRefusal, OperatingError } from '../base/errors.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import type { Store } from '../store/store.ts';
import { fromAnyCopy } from './any-copy.ts';
import { getBounded } from './bounded-get.ts';
import {
  damagedObject,
  jsonBytesMax,
  parseAsWritten,
  parseJsonObject,
  readJsonObject,
} from './json-object.ts';
import { KeyCopy } from './key-copy.ts';
import { keyBytes, RepositoryKeys } from './keys.ts';

const format = 'firn-key';
const nonceBytes = 12;
const tagBytes = 16;
const saltBytes = 16;

/** Opened at most so many, so that a store full of them does not keep scrypt busy for ever. */
const passphrasesMax = 16;
export const passphraseCharactersMin = 12;

/** What opens a repository. */
export type KeySecret = { readonly wrappingKey: Uint8Array } | { readonly passphrase: string };

export interface WrappedKey {
  readonly keyId: string;
  readonly kind: 'key-file' | 'passphrase';
}

/**
 * What scrypt costs: 2^logN · r · 128 bytes of memory. What a repository says is only believed
 * within these limits: whoever can write to the store must not be able to bring Firn down.
 */
interface ScryptCost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}
const scryptCost: ScryptCost = { logN: 17, r: 8, p: 1 };
const scryptLimits = { logN: [10, 20], r: [1, 16], p: [1, 4], memoryBytes: 256 * 1024 * 1024 };

/** Wraps the master key for a key of a key file; returns the key id. May be repeated. */
export async function addWrappingKey(
  store: Store,
  keys: RepositoryKeys,
  wrappingKey: Uint8Array,
): Promise<string> {
  return putWrapped(store, keys, wrappingKey, { kind: 'key-file' });
}

/**
 * Wraps the master key for a passphrase; returns the key id. Rejects with `invalid_input` when it
 * is too short to stand against guessing.
 */
export async function addPassphrase(
  store: Store,
  keys: RepositoryKeys,
  passphrase: string,
  cost: ScryptCost = scryptCost,
): Promise<string> {
  if (passphrase.length < passphraseCharactersMin) {
    const message = `a passphrase has at least ${passphraseCharactersMin} characters`;
    throw new OperatingError('invalid_input', message);
  }
  const salt = randomBytes(saltBytes);
  const wrappingKey = await keyOfPassphrase(passphrase, salt, cost);
  const fields = { kind: 'passphrase', scrypt: { ...cost, salt: salt.toString('base64') } };
  return putWrapped(store, keys, wrappingKey, fields);
}

export async function listWrappedKeys(store: Store, repositoryId: string): Promise<WrappedKey[]> {
  const found: WrappedKey[] = [];
  for await (const { name } of store.list('keys/')) {
    const keyId = /^keys\/([0-9a-f]{32})$/.exec(name)?.[1];
    if (keyId === undefined) continue;
    const kind = (await readWrapped(store, keyId, repositoryId))['kind'];
    if (kind === 'key-file' || kind === 'passphrase') found.push({ keyId, kind });
  }
  return found.sort((a, b) => (a.keyId < b.keyId ? -1 : 1));
}

/** Rejects with `not_found`, and with `conflict` for the last one: nobody could read anything. */
export async function removeWrappedKey(
  store: Store,
  repositoryId: string,
  keyId: string,
): Promise<void> {
  const all = await listWrappedKeys(store, repositoryId);
  if (!all.some((one) => one.keyId === keyId)) {
    throw new OperatingError('not_found', `${store.url} has no key ${keyId}`);
  }
  if (all.length === 1) {
    throw new OperatingError('conflict', `${keyId} is the last key of ${store.url}`);
  }
  await store.remove(nameOf(keyId));
}

/**
 * Rejects with `wrong_key` when nothing is wrapped for this secret, and with `corrupt`, also where
 * the store has lost all that was wrapped. `copyFolder`: where a local copy of it is kept, which
 * then takes its place.
 */
export async function unwrapKeys(
  store: Store,
  repositoryId: string,
  secret: KeySecret,
  copyFolder?: string,
): Promise<RepositoryKeys> {
  if ('passphrase' in secret) return unwrapByPassphrase(store, repositoryId, secret.passphrase);
  const { wrappingKey } = secret;
  const keyId = keyIdOf(wrappingKey, repositoryId);
  const copy = copyFolder === undefined ? undefined : new KeyCopy(copyFolder, repositoryId);
  if ((await store.sizeOf(nameOf(keyId))) === undefined) {
    // Any other key there says that this one was taken away.
    if (await hasKeys(store)) throw wrongKey(store, 'key');
    const bytes = await copy?.read();
    if (bytes === undefined) throw keysGone(store);
    return putBack(store, bytes, wrappingKey, repositoryId);
  }
  return fromAnyCopy(store, async (each) => {
    const bytes = await getBounded(each, nameOf(keyId), jsonBytesMax);
    const key = checkedFields(parseJsonObject(bytes, nameOf(keyId), format), keyId, repositoryId);
    const keys = unwrap(key, wrappingKey, repositoryId, keyId);
    await copy?.keep(bytes);
    return keys;
  });
}

/** Opens a copy of a lost object, and stores it anew where the store lets it be. */
async function putBack(
  store: Store,
  bytes: Uint8Array,
  wrappingKey: Uint8Array,
  repositoryId: string,
): Promise<RepositoryKeys> {
  const keyId = keyIdOf(wrappingKey, repositoryId);
  let keys: RepositoryKeys;
  try {
    const key = checkedFields(parseAsWritten(bytes, nameOf(keyId), format), keyId, repositoryId);
    keys = unwrap(key, wrappingKey, repositoryId, keyId);
  } catch (error) {
    throw isOperatingError(error, 'corrupt') ? keysGone(store) : error;
  }
  try {
    await store.put(nameOf(keyId), [bytes]);
  } catch (error) {
    if (!isOperatingError(error, 'exists') && !isRefusal(error)) throw error;
  }
  return keys;
}

/** Wraps the master key anew where the store has lost every wrapped key; answers what it put. */
export async function renewLostKeys(
  store: Store,
  { keys, wrappingKey }: { keys: RepositoryKeys; wrappingKey: Uint8Array | undefined },
): Promise<string[]> {
  if (wrappingKey === undefined || (await hasKeys(store))) return [];
  return [nameOf(await addWrappingKey(store, keys, wrappingKey))];
}

async function hasKeys(store: Store): Promise<boolean> {
  for await (const _ of store.list('keys/', { isSizeNeeded: () => false })) return true;
  return false;
}

function keysGone(store: Store): OperatingError {
  return new OperatingError(
    'corrupt',
    `${store.url} has lost its wrapped keys, all that was below keys/, without which no key ` +
      'opens it: put keys/ back from a copy of the store, or start the Firn that has used it ' +
      'with its own data folder, which keeps a copy',
  );
}

/**
 * Throws `corrupt` unless the bytes of `keys/<keyId>` are a wrapped key of the repository. Only the
 * wrapping key itself tells more, and only of its own object.
 */
export function checkWrapped(
  bytes: Uint8Array,
  keyId: string,
  { repositoryId, wrappingKey }: { repositoryId: string; wrappingKey: Uint8Array | undefined },
): void {
  const key = checkedFields(parseAsWritten(bytes, nameOf(keyId), format), keyId, repositoryId);
  const { kind, wrapped } = key;
  const isKnown = kind === 'key-file' || kind === 'passphrase';
  if (!isKnown || bytesOf(wrapped).toString('base64') !== wrapped)
    throw damagedObject(nameOf(keyId));
  if (wrappingKey !== undefined && keyIdOf(wrappingKey, repositoryId) === keyId) {
    unwrap(key, wrappingKey, repositoryId, keyId);
    return;
  }
  const lengthBytes = bytesOf(wrapped).length;
  if (lengthBytes !== nonceBytes + keyBytes + tagBytes) throw damagedObject(nameOf(keyId));
}

function checkedFields(key: JsonObject, keyId: string, repositoryId: string): JsonObject {
  if (key['repositoryId'] !== repositoryId) throw damagedObject(nameOf(keyId));
  return key;
}

/** The id under which a wrapping key is kept; tells nothing about the key itself. */
export function keyIdOf(wrappingKey: Uint8Array, repositoryId: string): string {
  assert(wrappingKey.length === keyBytes, 'a wrapping key has 32 bytes');
  const id = hkdfSync('sha256', wrappingKey, repositoryId, 'firn/1 wrapping key id', 16);
  return Buffer.from(id).toString('hex');
}

function nameOf(keyId: string): string {
  return `keys/${keyId}`;
}

async function putWrapped(
  store: Store,
  { masterKey, repositoryId }: RepositoryKeys,
  wrappingKey: Uint8Array,
  fields: JsonObject,
): Promise<string> {
  const keyId = keyIdOf(wrappingKey, repositoryId);
  const wrapped = wrap(masterKey, wrappingKey, repositoryId);
  const key = { format, version: 1, repositoryId, ...fields, wrapped };
  try {
    await store.put(nameOf(keyId), [Buffer.from(JSON.stringify(key))]);
  } catch (error) {
    if (!isOperatingError(error, 'exists')) throw error;
  }
  return keyId;
}

async function readWrapped(store: Store, keyId: string, repositoryId: string): Promise<JsonObject> {
  const key = await readJsonObject(store, nameOf(keyId), format);
  return checkedFields(key, keyId, repositoryId);
}

async function unwrapByPassphrase(
  store: Store,
  repositoryId: string,
  passphrase: string,
): Promise<RepositoryKeys> {
  const all = await listWrappedKeys(store, repositoryId);
  if (all.length === 0) throw keysGone(store);
  const candidates = all.filter(({ kind }) => kind === 'passphrase').slice(0, passphrasesMax);
  for (const { keyId } of candidates) {
    const key = await readWrapped(store, keyId, repositoryId);
    const { salt, ...cost } = decodeScrypt(key['scrypt'], keyId);
    const wrappingKey = await keyOfPassphrase(passphrase, salt, cost);
    if (keyIdOf(wrappingKey, repositoryId) !== keyId) continue;
    return unwrap(key, wrappingKey, repositoryId, keyId);
  }
  throw wrongKey(store, 'passphrase');
}

const derive = promisify<string, Uint8Array, number, object, Buffer>(scrypt);

function keyOfPassphrase(
  passphrase: string,
  salt: Uint8Array,
  { logN, r, p }: ScryptCost,
): Promise<Buffer> {
  const maxmem = scryptLimits.memoryBytes + 1024 * 1024;
  const options = { N: 2 ** logN, r, p, maxmem };
  // However it was typed: the same characters may be written in several ways in Unicode.
  return derive(passphrase.normalize('NFKC'), salt, keyBytes, options);
}

function decodeScrypt(value: unknown, keyId: string): ScryptCost & { salt: Buffer } {
  const fields = isJsonObject(value) ? value : {};
  const number = (name: 'logN' | 'r' | 'p'): number => {
    const found = fields[name];
    const [min = 0, max = 0] = scryptLimits[name];
    if (!Number.isInteger(found) || Number(found) < min || Number(found) > max) {
      throw damagedObject(nameOf(keyId));
    }
    return Number(found);
  };
  const salt = bytesOf(fields['salt']);
  const cost = { logN: number('logN'), r: number('r'), p: number('p') };
  const memoryBytes = 2 ** cost.logN * cost.r * 128;
  if (salt.length !== saltBytes || memoryBytes > scryptLimits.memoryBytes) {
    throw damagedObject(nameOf(keyId));
  }
  return { ...cost, salt };
}

function wrap(masterKey: Uint8Array, wrappingKey: Uint8Array, repositoryId: string): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', wrappingKey, nonce);
  cipher.setAAD(Buffer.from(`key ${repositoryId}`));
  const parts = [nonce, cipher.update(masterKey), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat(parts).toString('base64');
}

function unwrap(
  key: JsonObject,
  wrappingKey: Uint8Array,
  repositoryId: string,
  keyId: string,
): RepositoryKeys {
  const bytes = bytesOf(key['wrapped']);
  if (bytes.length !== nonceBytes + keyBytes + tagBytes) throw damagedObject(nameOf(keyId));
  try {
    const nonce = bytes.subarray(0, nonceBytes);
    const options = { authTagLength: tagBytes };
    const decipher = createDecipheriv('aes-256-gcm', wrappingKey, nonce, options);
    decipher.setAAD(Buffer.from(`key ${repositoryId}`));
    decipher.setAuthTag(bytes.subarray(nonceBytes + keyBytes));
    const masterKey = decipher.update(bytes.subarray(nonceBytes, nonceBytes + keyBytes));
    decipher.final();
    return new RepositoryKeys(masterKey, repositoryId);
  } catch (error) {
    throw damagedObject(nameOf(keyId), error);
  }
}

/** What a field says in base64; nothing where it is no text. */
function bytesOf(field: unknown): Buffer {
  return Buffer.from(typeof field === 'string' ? field : '', 'base64');
}

function wrongKey(store: Store, what: 'key' | 'passphrase'): OperatingError {
  return new OperatingError('wrong_key', `the ${what} at hand does not open ${store.url}`);
}
