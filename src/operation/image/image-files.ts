/**
 * The data of images: one file an image in a folder of their own, under the image's id.
 *
 * A file has its name only when all of it is durable, so one that is there is whole. It is never
 * changed; removing it does not disturb those who have it open.
 */
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from '../../base/assert.ts';
import { isZero } from '../../base/bytes.ts';
import { syncFolder, temporarySuffix } from '../../base/durable-file.ts';
import { fromSystemError, OperatingError } from '../../base/errors.ts';
import { isUuid, newHexId } from '../../base/ids.ts';
import type { Digests } from './hash-task.ts';
import { openImageHash } from './hash-thread.ts';

/** What was written. */
export interface ImageDataFacts extends Digests {
  readonly sizeBytes: number;
}

/** An image's data, open for reading. */
export interface ImageFile {
  readonly sizeBytes: number;
  /** As many bytes as asked for, fewer only at the end. */
  read(offsetBytes: number, lengthBytes: number): Promise<Buffer>;
  close(): Promise<void>;
}

export class ImageFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes the folder, and removes what a killed process was writing. */
  async prepare(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    for (const name of await readdir(this.#folder)) {
      if (name.endsWith(temporarySuffix)) await rm(join(this.#folder, name), { force: true });
    }
  }

  /**
   * Writes an image's data durably; data that was there is replaced. When `content` or the disk
   * fails, or there is more of it than `sizeMaxBytes`, it rejects and all is as it was.
   */
  async write(
    imageId: string,
    content: AsyncIterable<Uint8Array>,
    options: { sizeMaxBytes?: number } = {},
  ): Promise<ImageDataFacts> {
    const path = this.#pathOf(imageId);
    const temporary = `${path}.${newHexId()}${temporarySuffix}`;
    try {
      const facts = await fill(temporary, content, options.sizeMaxBytes ?? Infinity);
      await rename(temporary, path);
      await syncFolder(this.#folder);
      return facts;
    } catch (error) {
      await rm(temporary, { force: true });
      throw fromSystemError(error, `The data of image ${imageId} cannot be written`);
    }
  }

  async open(imageId: string): Promise<ImageFile> {
    try {
      return await OpenFile.open(this.#pathOf(imageId));
    } catch (error) {
      throw fromSystemError(error, `The data of image ${imageId} cannot be read`);
    }
  }

  /** Does nothing when there is none. */
  async remove(imageId: string): Promise<void> {
    await rm(this.#pathOf(imageId), { force: true });
    await syncFolder(this.#folder);
  }

  /** The ids of all images that have data. */
  async list(): Promise<string[]> {
    return (await readdir(this.#folder)).filter(isUuid);
  }

  #pathOf(imageId: string): string {
    assert(isUuid(imageId), 'an image is named by its id');
    return join(this.#folder, imageId);
  }
}

/** Zeros become holes, so that the image of a large disk takes up what the disk holds. */
async function fill(
  path: string,
  content: AsyncIterable<Uint8Array>,
  sizeMaxBytes: number,
): Promise<ImageDataFacts> {
  using hash = openImageHash();
  let sizeBytes = 0;
  await using file = await open(path, 'wx', 0o600);
  for await (const chunk of content) {
    const at = sizeBytes;
    sizeBytes += chunk.length;
    if (sizeBytes > sizeMaxBytes) {
      throw new OperatingError('body_too_large', `An image has at most ${sizeMaxBytes} bytes.`);
    }
    const written = isZero(chunk) ? undefined : writeWhole(file, chunk, at);
    await Promise.all([hash.update(chunk), written]);
  }
  await file.truncate(sizeBytes);
  await file.sync();
  return { sizeBytes, ...(await hash.digest()) };
}

async function writeWhole(file: FileHandle, chunk: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < chunk.length;) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, at + done);
    done += bytesWritten;
  }
}

class OpenFile implements ImageFile {
  readonly sizeBytes: number;
  readonly #file: FileHandle;

  private constructor(file: FileHandle, sizeBytes: number) {
    this.#file = file;
    this.sizeBytes = sizeBytes;
  }

  static async open(path: string): Promise<OpenFile> {
    const file = await open(path, 'r');
    try {
      return new OpenFile(file, (await file.stat()).size);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async read(offsetBytes: number, lengthBytes: number): Promise<Buffer> {
    const buffer = Buffer.alloc(Math.max(0, Math.min(lengthBytes, this.sizeBytes - offsetBytes)));
    let done = 0;
    while (done < buffer.length) {
      const rest = buffer.length - done;
      const { bytesRead } = await this.#file.read(buffer, done, rest, offsetBytes + done);
      if (bytesRead === 0) throw new OperatingError('corrupt', 'The data of an image was cut off.');
      done += bytesRead;
    }
    return buffer;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
