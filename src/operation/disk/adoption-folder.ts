/**
 * The folder whose raw files can become volumes, and into which volumes are let go as raw files.
 *
 * Only plain files right in it count: a name leads nowhere else, a symbolic link is not followed,
 * and what begins with a dot is passed over. A file that became a volume stays as it is.
 */
import { constants } from 'node:fs';
import { lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, temporarySuffix } from '../../base/durable-file.ts';
import { fromSystemError, isOperatingError, OperatingError } from '../../base/errors.ts';
import { KiB } from '../../base/bytes.ts';
import type { Readable } from './disk-content.ts';

export interface AdoptableFile {
  readonly name: string;
  readonly sizeBytes: number;
}

export interface OpenedFile extends Readable {
  close(): Promise<void>;
}

const namePattern = /^[^./\0][^/\0]{0,254}$/;
const zeros = Buffer.alloc(64 * KiB);

export class AdoptionFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The files, in the order of their names. */
  async list(): Promise<AdoptableFile[]> {
    const names = (await this.#doing('listed', () => readdir(this.#folder))).toSorted();
    const files: AdoptableFile[] = [];
    for (const name of names) {
      const file = await this.find(name);
      if (file !== undefined) files.push(file);
    }
    return files;
  }

  /** Undefined for what is no such file. */
  async find(name: string): Promise<AdoptableFile | undefined> {
    if (!namePattern.test(name) || name.endsWith(temporarySuffix)) return undefined;
    try {
      const stat = await this.#doing('read', () => lstat(join(this.#folder, name)));
      return stat.isFile() && stat.size > 0 ? { name, sizeBytes: stat.size } : undefined;
    } catch (error) {
      if (isOperatingError(error, 'not_found')) return undefined;
      throw error;
    }
  }

  async open(name: string): Promise<OpenedFile> {
    const found = await this.find(name);
    if (found === undefined) {
      throw new OperatingError('not_found', `There is no file ${name} to be managed.`);
    }
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
    const file = await this.#doing('read', () => open(join(this.#folder, name), flags));
    const { sizeBytes } = found;
    return {
      sizeBytes,
      async read(offsetBytes, lengthBytes) {
        const bytes = Buffer.alloc(Math.max(0, Math.min(lengthBytes, sizeBytes - offsetBytes)));
        let done = 0;
        while (done < bytes.length) {
          const { bytesRead } = await file.read(
            bytes,
            done,
            bytes.length - done,
            offsetBytes + done,
          );
          if (bytesRead === 0) throw new OperatingError('corrupt', `${name} was cut off.`);
          done += bytesRead;
        }
        return bytes;
      },
      close: () => file.close(),
    };
  }

  /** Writes a raw file durably, with holes for zeros; one of this name is replaced. */
  async write(
    name: string,
    lengthBytes: number,
    content: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const path = join(this.#folder, name);
    const temporary = `${path}${temporarySuffix}`;
    await this.#doing('written', async () => {
      try {
        await writeSparse(temporary, lengthBytes, content);
        await rename(temporary, path);
        await syncFolder(this.#folder);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    });
  }

  /** Does nothing when there is none. */
  async remove(name: string): Promise<void> {
    await this.#doing('written', () => rm(join(this.#folder, name), { force: true }));
  }

  async #doing<R>(what: string, work: () => Promise<R>): Promise<R> {
    try {
      return await work();
    } catch (error) {
      throw fromSystemError(error, `The folder of files to be managed cannot be ${what}`);
    }
  }
}

async function writeSparse(
  path: string,
  lengthBytes: number,
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  await using file = await open(path, 'w', 0o600);
  await file.truncate(lengthBytes);
  let at = 0;
  for await (const chunk of content) {
    for (let from = 0; from < chunk.length; from += zeros.length) {
      const block = chunk.subarray(from, from + zeros.length);
      if (zeros.subarray(0, block.length).equals(block)) continue;
      let done = 0;
      while (done < block.length) {
        const { bytesWritten } = await file.write(
          block,
          done,
          block.length - done,
          at + from + done,
        );
        done += bytesWritten;
      }
    }
    at += chunk.length;
  }
  await file.sync();
}
