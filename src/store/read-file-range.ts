import { type FileHandle, open } from 'node:fs/promises';
import { assertBytes } from '../base/assert.ts';
import { roundDown, roundUp } from '../base/bytes.ts';
import { DirectDescriptor } from '../base/direct-descriptor.ts';
import { OperatingError } from '../base/errors.ts';
import { longBytes, pageBytes } from '../base/page-memory.ts';
import type { ByteRange, GetOptions } from './store.ts';

/**
 * Reads a file, or `range` of it, to `into` where that has room. Rejects with `corrupt` when the
 * file does not hold that whole.
 */
export async function readFileRange(
  path: string,
  { range, into }: GetOptions = {},
): Promise<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const direct = range && into && (await readDirect(handle, range, into));
    if (direct !== undefined) return direct;
    const { offsetBytes, lengthBytes } = range ?? {
      offsetBytes: 0,
      lengthBytes: (await handle.stat()).size,
    };
    assertBytes(offsetBytes, 'offsetBytes');
    assertBytes(lengthBytes, 'lengthBytes');
    const target =
      into === undefined || into.length < lengthBytes
        ? Buffer.allocUnsafeSlow(lengthBytes)
        : into.subarray(0, lengthBytes);
    const done = await fill(handle, target, offsetBytes);
    if (done < target.length) throw new OperatingError('corrupt', `${path} is cut short`);
    return target;
  } finally {
    await handle.close();
  }
}

/**
 * Reads a long range past the page cache: copying it there costs as much as the rest, and pushes
 * out what is read again. Undefined where that cannot be done: the usual read tells why.
 */
async function readDirect(
  { fd }: FileHandle,
  { offsetBytes, lengthBytes }: ByteRange,
  into: Uint8Array,
): Promise<Uint8Array | undefined> {
  const start = roundDown(offsetBytes, pageBytes);
  const roomBytes = roundUp(offsetBytes + lengthBytes, pageBytes) - start;
  if (lengthBytes < longBytes || into.length < roomBytes) return undefined;
  const memory = into.subarray(0, roomBytes);
  const first = offsetBytes - start;
  const direct = new DirectDescriptor(fd, 'read');
  try {
    if (!direct.takes(memory, start)) return undefined;
    const done = await direct.move(memory, start);
    return done < first + lengthBytes ? undefined : into.subarray(first, first + lengthBytes);
  } finally {
    direct.close();
  }
}

/** Reads until `target` is full or the file ends; answers the bytes read. */
async function fill(handle: FileHandle, target: Uint8Array, offsetBytes: number): Promise<number> {
  let done = 0;
  while (done < target.length) {
    const left = target.length - done;
    const { bytesRead } = await handle.read(target, done, left, offsetBytes + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
