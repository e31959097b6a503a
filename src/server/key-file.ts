import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { writeDurably } from '../base/durable-file.ts';
import { errnoOf, fromSystemError, isOperatingError, OperatingError } from '../base/errors.ts';

const keyBytes = 32;
const keyPattern = /^[A-Za-z0-9+/]{43}=$/;

/**
 * The key that wraps the repositories' own keys: 32 random bytes, in a file of its own (mode 0600)
 * as one line of base64. Made when it is missing and `create` is set. Whoever has lost it has lost
 * the backups; whoever has it can read them.
 */
export async function readKeyFile(
  path: string,
  options: { create: boolean },
): Promise<{ key: Uint8Array; made: boolean }> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, `the key file ${path} cannot be read`);
  });
  if (text === undefined) return { key: await makeKeyFile(path, options.create), made: true };
  if (!keyPattern.test(text.trim())) {
    throw new OperatingError('corrupt', `the key file ${path} does not hold a key (44 characters)`);
  }
  return { key: Buffer.from(text.trim(), 'base64'), made: false };
}

/** The key as a variable gives it, where no file shall hold it. */
export function keyInEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Uint8Array | undefined {
  const text = environment['FIRN_KEY']?.trim();
  if (text === undefined || text === '') return undefined;
  if (keyPattern.test(text)) return Buffer.from(text, 'base64');
  const message = 'FIRN_KEY does not hold a key: 32 bytes as base64 (44 characters)';
  throw new OperatingError('invalid_input', message);
}

/** The key of `FIRN_KEY`, or else of the key file. */
export async function readKey(
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
  options: { create: boolean },
): Promise<{ key: Uint8Array; made: boolean }> {
  const key = keyInEnvironment(environment);
  return key === undefined ? readKeyFile(path, options) : { key, made: false };
}

/** Makes the key file of a key that is known. Rejects with `exists` when it holds another. */
export async function writeKeyFile(path: string, key: Uint8Array): Promise<void> {
  const there = await readKeyFile(path, { create: false }).catch((error: unknown) => {
    if (isOperatingError(error, 'not_found')) return undefined;
    throw error;
  });
  if (there === undefined) await putKey(path, key);
  else if (!Buffer.from(key).equals(there.key)) {
    throw new OperatingError('exists', `${path} holds another key: move it away first`);
  }
}

async function makeKeyFile(path: string, create: boolean): Promise<Uint8Array> {
  if (!create) throw new OperatingError('not_found', `there is no key file ${path}`);
  const key = randomBytes(keyBytes);
  await putKey(path, key);
  return key;
}

async function putKey(path: string, key: Uint8Array): Promise<void> {
  try {
    await writeDurably(path, `${Buffer.from(key).toString('base64')}\n`, { mode: 0o600 });
  } catch (error) {
    throw fromSystemError(error, `the key file ${path} cannot be made`);
  }
}
