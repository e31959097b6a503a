/** Raw images: sparse files that appear whole or not at all, and streams. */
import type { FileHandle } from 'node:fs/promises';
import { lstat, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MiB, isZero } from '../base/bytes.ts';
import { syncFolder, temporarySuffix } from '../base/durable-file.ts';
import { OperatingError, errnoOf, fromSystemError } from '../base/errors.ts';
import { newHexId } from '../base/ids.ts';
import type { ImageSink } from '../inspect/export-image.ts';
import type { Output } from './context.ts';

/**
 * Makes a new raw image of `lengthBytes` durably; zeros become holes. It gets its name last, so a
 * file of that name is whole. Rejects with `exists` when there is one.
 */
export async function writeImageFile<T>(
  path: string,
  lengthBytes: number,
  copy: (sink: ImageSink) => Promise<T>,
): Promise<T> {
  const temporary = `${path}.${newHexId()}${temporarySuffix}`;
  try {
    await assertNew(path);
    try {
      const result = await fill(temporary, lengthBytes, copy);
      await rename(temporary, path);
      await syncFolder(dirname(path));
      return result;
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  } catch (error) {
    throw fromSystemError(error, `${path} cannot be written`);
  }
}

async function assertNew(path: string): Promise<void> {
  try {
    await lstat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  throw new OperatingError('exists', `${path} is there already`);
}

async function fill<T>(
  path: string,
  lengthBytes: number,
  copy: (sink: ImageSink) => Promise<T>,
): Promise<T> {
  await using file = await open(path, 'wx');
  await file.truncate(lengthBytes);
  const result = await copy(new FileSink(file));
  await file.sync();
  return result;
}

class FileSink implements ImageSink {
  readonly #file: FileHandle;
  #at = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async write(content: Uint8Array): Promise<void> {
    for (let done = 0; done < content.length && !isZero(content);) {
      const left = content.length - done;
      const { bytesWritten } = await this.#file.write(content, done, left, this.#at + done);
      done += bytesWritten;
    }
    this.#at += content.length;
  }

  async skip(lengthBytes: number): Promise<void> {
    this.#at += lengthBytes;
  }
}

/** Writes an image as a stream of bytes; refuses a terminal. */
export async function writeImageStream<T>(
  output: Output,
  copy: (sink: ImageSink) => Promise<T>,
): Promise<T> {
  if (output.isTTY === true) {
    throw new OperatingError('invalid_input', 'an image is not for a terminal: name a file');
  }
  const zeros = Buffer.alloc(MiB);
  const write = (content: Uint8Array): Promise<void> =>
    new Promise((resolve) => {
      output.write(content, () => resolve());
    });
  return copy({
    write,
    skip: async (lengthBytes) => {
      for (let left = lengthBytes; left > 0; left -= zeros.length) {
        await write(left < zeros.length ? zeros.subarray(0, left) : zeros);
      }
    },
  });
}
