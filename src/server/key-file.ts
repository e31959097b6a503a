import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { writeDurably } from '../base/durable-file.ts';
import { errnoOf, fromSystemError, OperatingError } from '../base/errors.ts';

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

async function makeKeyFile(path: string, create: boolean): Promise<Uint8Array> {
  if (!create) throw new OperatingError('not_found', `there is no key file ${path}`);
  const key = randomBytes(keyBytes);
  try {
    await writeDurably(path, `${key.toString('base64')}\n`, { mode: 0o600 });
  } catch (error) {
    throw fromSystemError(error, `the key file ${path} cannot be made`);
  }
  return key;
}
