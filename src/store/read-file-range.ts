import { open } from 'node:fs/promises';
import { assertBytes } from '../base/assert.ts';
import { OperatingError } from '../base/errors.ts';
import type { GetOptions } from './store.ts';

/**
 * Reads a file, or `range` of it, to `into` if that has its length. Rejects with `corrupt` when the
 * file does not hold that whole.
 */
export async function readFileRange(
  path: string,
  { range, into }: GetOptions = {},
): Promise<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const { offsetBytes, lengthBytes } = range ?? {
      offsetBytes: 0,
      lengthBytes: (await handle.stat()).size,
    };
    assertBytes(offsetBytes, 'offsetBytes');
    assertBytes(lengthBytes, 'lengthBytes');
    const target = into?.length === lengthBytes ? into : Buffer.allocUnsafeSlow(lengthBytes);
    let done = 0;
    while (done < target.length) {
      const left = target.length - done;
      const { bytesRead } = await handle.read(target, done, left, offsetBytes + done);
      if (bytesRead === 0) throw new OperatingError('corrupt', `${path} is cut short`);
      done += bytesRead;
    }
    return target;
  } finally {
    await handle.close();
  }
}
