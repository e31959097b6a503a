import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { fromSystemError, OperatingError } from '../base/errors.ts';
import type { Context } from './context.ts';

/** The passphrase that was given: the first line of a file, or `FIRN_PASSPHRASE`. */
export async function passphraseOf(
  { environment }: Context,
  { passphraseFile }: { passphraseFile?: string },
): Promise<string> {
  const given = environment['FIRN_PASSPHRASE'];
  if (passphraseFile === undefined && given === undefined) {
    const message = 'give the passphrase with --passphrase-file or FIRN_PASSPHRASE';
    throw new OperatingError('invalid_input', message);
  }
  const content = passphraseFile === undefined ? given : await textOf(passphraseFile);
  return (content ?? '').split(/\r?\n/, 1)[0] ?? '';
}

/** What a file holds; - is standard input. */
export async function textOf(path: string): Promise<string> {
  if (path === '-') return readAll(process.stdin);
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw fromSystemError(error, `${path} cannot be read`);
  }
}
