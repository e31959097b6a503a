import { assert } from '../base/assert.ts';
import { MiB } from '../base/bytes.ts';
import { OperatingError } from '../base/errors.ts';

/** Objects stay below this, so that one request puts one: S3 and Swift take 5 GiB. */
const objectBytesMax = 256 * MiB;

const part = /^[a-z0-9\-_.]+$/;
const container = /^[A-Za-z0-9][A-Za-z0-9\-_.]{0,127}$/;

/** States that `name` is one that every store can hold: see `Store`. */
export function assertName(name: string): void {
  assert(name.length >= 1 && name.length <= 200, `object name ${name} has 1 to 200 characters`);
  const parts = name.split('/');
  const fine = parts.every((text) => part.test(text) && text !== '.' && text !== '..');
  assert(fine, `object name ${name} is one that a store can hold`);
}

/** The bytes of an object to put; states that they are not too many. */
export function checkSize(chunks: readonly Uint8Array[]): number {
  const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  assert(sizeBytes <= objectBytesMax, 'an object has at most 256 MiB');
  return sizeBytes;
}

/** Rejects a container name that a client made up and that not every store can hold. */
export function checkContainerName(name: string): void {
  if (container.test(name)) return;
  throw new OperatingError(
    'invalid_input',
    'a container name has 1 to 128 letters, digits, dots, dashes and underscores, ' +
      'and begins with a letter or digit',
    { field: 'container' },
  );
}
