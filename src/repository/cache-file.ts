/**
 * A local file of what is in the store anyhow, so that it costs one read and not thousands.
 *
 *     file    = segment …
 *     segment = length of what follows (4, little-endian) ‖ sealed
 *     sealed  = one body, under the repository's key for caches; label = kind ‖ space ‖ version
 *
 * What opens was written by somebody who has the key of this repository, in this version: a
 * segment that is torn, changed, of another repository or of another kind is not believed, nor is
 * any behind it. What is kept here stays true for ever, so that an old file, or one of which a part
 * is lost, says too little and never anything wrong. It may be removed at any time, and is not
 * synced.
 *
 * One process writes it. A copy that cannot be written costs a read later; nobody tries again then.
 */
import { appendFile, mkdir, readFile, rename, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { assert } from '../base/assert.ts';
import { errnoOf, isOperatingError } from '../base/errors.ts';
import type { RepositoryKeys } from './keys.ts';
import { objectLabel, seal, sealBytes, unseal } from './seal.ts';

const mode = 0o600;
const lengthBytes = 4;
export const bodyBytesMax = 8 * 1024 * 1024;
/** A longer file is not read, and begins anew. */
const fileBytesMax = 256 * 1024 * 1024;

/** A change of what the bodies of a kind mean takes another version. */
export type CacheKind = 'manifests 2' | 'differences 1';

export class CacheFile {
  readonly #path: string | undefined;
  readonly #keys: RepositoryKeys;
  readonly #kind: CacheKind;
  /** Where the last segment that opens ends; undefined until somebody looked. */
  #endBytes: number | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #failed = false;

  /** `folder`: undefined keeps nothing. */
  constructor(folder: string | undefined, keys: RepositoryKeys, kind: CacheKind) {
    const name = `${keys.repositoryId}.${kind.split(' ')[0]}`;
    this.#path = folder === undefined ? undefined : join(folder, name);
    this.#keys = keys;
    this.#kind = kind;
  }

  /** The bodies that are there, in the order in which they were written. */
  async load(): Promise<Buffer[]> {
    return this.#inTurn(() => this.#read());
  }

  /** Adds a body, of `bodyBytesMax` at most. */
  async append(body: Uint8Array): Promise<void> {
    await this.#write(async (path) => {
      const sizeBytes = await sizeOf(path);
      if (sizeBytes !== this.#endBytes) await this.#read();
      const endBytes = this.#endBytes ?? 0;
      // Behind what does not open it would never be found.
      if (sizeBytes > endBytes) await truncate(path, endBytes);
      const segment = this.#encode(body);
      await appendFile(path, segment, { mode });
      this.#endBytes = endBytes + segment.length;
    });
  }

  /** Puts these bodies in the place of all that are there. */
  async replace(bodies: readonly Uint8Array[]): Promise<void> {
    await this.#write(async (path) => {
      const content = Buffer.concat(bodies.map((body) => this.#encode(body)));
      await writeFile(`${path}.new`, content, { mode });
      await rename(`${path}.new`, path);
      this.#endBytes = content.length;
    });
  }

  /** Resolves when everything that was asked for is written. */
  async idle(): Promise<void> {
    await Promise.allSettled([this.#last]);
  }

  async #read(): Promise<Buffer[]> {
    const bodies: Buffer[] = [];
    const content = await this.#content();
    let at = 0;
    while (at + lengthBytes <= content.length) {
      const start = at + lengthBytes;
      const end = start + content.readUInt32LE(at);
      const body = end > content.length ? undefined : this.#open(content.subarray(start, end));
      if (body === undefined) break;
      bodies.push(body);
      at = end;
    }
    this.#endBytes = at;
    return bodies;
  }

  /** What cannot be read is made anew. */
  async #content(): Promise<Buffer> {
    try {
      const isShort = this.#path !== undefined && (await sizeOf(this.#path)) <= fileBytesMax;
      return isShort ? await readFile(this.#path) : Buffer.alloc(0);
    } catch {
      return Buffer.alloc(0);
    }
  }

  #encode(body: Uint8Array): Buffer {
    assert(body.length <= bodyBytesMax, 'a body has a limit');
    const sealed = seal(this.#keys.objectKey('cache'), this.#label, body);
    const segment = Buffer.alloc(lengthBytes + sealed.length);
    segment.writeUInt32LE(sealed.length);
    segment.set(sealed, lengthBytes);
    return segment;
  }

  #open(sealed: Uint8Array): Buffer | undefined {
    if (sealed.length > bodyBytesMax + sealBytes) return undefined;
    const options = { subject: 'a local copy', plainBytesMax: bodyBytesMax };
    try {
      return unseal(this.#keys.objectKey('cache'), this.#label, sealed, options);
    } catch (error) {
      if (isOperatingError(error, 'corrupt')) return undefined;
      throw error;
    }
  }

  get #label(): Uint8Array {
    return objectLabel('cache', this.#kind);
  }

  async #write(act: (path: string) => Promise<void>): Promise<void> {
    await this.#inTurn(async () => {
      const path = this.#path;
      if (path === undefined || this.#failed) return;
      try {
        await mkdir(dirname(path), { recursive: true });
        await act(path);
      } catch {
        this.#failed = true;
      }
    });
  }

  /** One after the other, so that nothing is written into something else. */
  async #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const work = this.#last.then(act, act);
    this.#last = work;
    return work;
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
}
