/**
 * One bucket of an S3 server as a store that takes any name.
 *
 * An object is put by one request: S3 takes up to 5 GiB in one, and Firn's are far smaller. The
 * server checks the body against the SHA-256 that is signed with the request. A put asks that the
 * name be free (`If-None-Match`); servers that do not know this answer 501 and are not asked again:
 * names never collide by construction.
 */
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { throwIfAborted } from '../base/abort.ts';
import { isOperatingError, isRefusal, OperatingError } from '../base/errors.ts';
import { checkSize } from './names.ts';
import { readBody } from './read-body.ts';
import { rangeHeader } from './range-header.ts';
import { s3Error, statusOf, triesOf } from './s3-errors.ts';
import type {
  ByteRange,
  GetOptions,
  PutOptions,
  Store,
  StoreOptions,
  StoredObject,
} from './store.ts';

/** What the buckets of one server share. */
export interface S3Server {
  readonly client: S3Client;
  readonly pageObjects: number;
  /** Whether puts ask that the name be free: until the server says that it cannot. */
  asksForFreeNames: boolean;
}

export class S3Bucket implements Store {
  readonly url: string;
  readonly #server: S3Server;
  readonly #bucket: string;

  constructor(server: S3Server, bucket: string, url: string) {
    this.url = url;
    this.#server = server;
    this.#bucket = bucket;
  }

  async put(key: string, chunks: readonly Uint8Array[], options?: PutOptions): Promise<void> {
    const asked = this.#server.asksForFreeNames && options?.replace !== true;
    try {
      await this.#put(key, chunks, asked, options);
    } catch (error) {
      if (asked && statusOf(error) === 501) {
        this.#server.asksForFreeNames = false;
        return await this.put(key, chunks, options);
      }
      const meaning = this.#meaning(error, 'write', key);
      // The client's first try may have been done although its answer was lost.
      const mayBeDone = triesOf(error) > 1 && isOperatingError(meaning, 'exists');
      if (mayBeDone && Buffer.concat(chunks).equals(await this.get(key, options))) return;
      throw meaning;
    }
  }

  async #put(
    key: string,
    chunks: readonly Uint8Array[],
    asksForFreeName: boolean,
    options?: StoreOptions,
  ): Promise<void> {
    throwIfAborted(options?.signal);
    const [only = new Uint8Array(0), ...more] = chunks;
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      Body: more.length === 0 ? only : Buffer.concat(chunks),
      ContentLength: checkSize(chunks),
      ...(asksForFreeName ? { IfNoneMatch: '*' } : {}),
    });
    await this.#server.client.send(command, abortedBy(options));
  }

  async get(key: string, options?: GetOptions): Promise<Uint8Array> {
    throwIfAborted(options?.signal);
    const range = options?.range;
    if (range?.lengthBytes === 0) return this.#getNothing(key, range, options);
    const where = { Bucket: this.#bucket, Key: key };
    const command = new GetObjectCommand(
      range === undefined ? where : { ...where, Range: rangeHeader(range) },
    );
    try {
      const { Body, ContentLength } = await this.#server.client.send(command, abortedBy(options));
      if (!(Body instanceof Readable) || ContentLength === undefined) {
        throw new OperatingError('io', `${this.url} does not say how long ${key} is`);
      }
      if (range !== undefined && ContentLength !== range.lengthBytes) {
        Body.destroy();
        throw this.#tooShort(key);
      }
      return await readBody(Body, ContentLength, `${key} of ${this.url}`);
    } catch (error) {
      if (statusOf(error) === 416) throw this.#tooShort(key);
      throw this.#meaning(error, 'read', key);
    }
  }

  /** No range header says "no bytes". */
  async #getNothing(key: string, range: ByteRange, options?: StoreOptions): Promise<Uint8Array> {
    const sizeBytes = await this.sizeOf(key, options);
    if (sizeBytes === undefined) throw this.#notFound(key);
    if (range.offsetBytes > sizeBytes) throw this.#tooShort(key);
    return new Uint8Array(0);
  }

  async sizeOf(key: string, options?: StoreOptions): Promise<number | undefined> {
    throwIfAborted(options?.signal);
    try {
      const command = new HeadObjectCommand({ Bucket: this.#bucket, Key: key });
      const { ContentLength } = await this.#server.client.send(command, abortedBy(options));
      return ContentLength ?? 0;
    } catch (error) {
      const meaning = this.#meaning(error, 'look at', key);
      if (isOperatingError(meaning, 'not_found')) return undefined;
      throw meaning;
    }
  }

  async *list(prefix: string, options?: StoreOptions): AsyncIterable<StoredObject> {
    let after: string | undefined;
    do {
      throwIfAborted(options?.signal);
      const command = new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: prefix,
        MaxKeys: this.#server.pageObjects,
        ...(after === undefined ? {} : { ContinuationToken: after }),
      });
      try {
        const page = await this.#server.client.send(command, abortedBy(options));
        for (const { Key, Size } of page.Contents ?? []) {
          if (Key !== undefined) yield { name: Key, sizeBytes: Size ?? 0 };
        }
        after = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } catch (error) {
        throw this.#meaning(error, 'list', prefix);
      }
    } while (after !== undefined);
  }

  async remove(key: string, options?: StoreOptions): Promise<void> {
    throwIfAborted(options?.signal);
    try {
      const command = new DeleteObjectCommand({ Bucket: this.#bucket, Key: key });
      await this.#server.client.send(command, abortedBy(options));
    } catch (error) {
      const meaning = this.#meaning(error, 'remove', key);
      if (!isOperatingError(meaning, 'not_found')) throw meaning;
    }
  }

  /** Object lock comes with versions, too. */
  async keepsRemoved(): Promise<string | undefined> {
    try {
      const command = new GetBucketVersioningCommand({ Bucket: this.#bucket });
      const { Status: status } = await this.#server.client.send(command);
      return status === 'Enabled' ? versionsKept : undefined;
    } catch (error) {
      const meaning = s3Error(error, { url: this.url, doing: 'ask for versions' });
      // Servers that do not know versions keep none; whoever may not ask is not told.
      if (isRefusal(meaning) || statusOf(error) === 501) return undefined;
      throw meaning;
    }
  }

  /** The connections are the server's, which other buckets use as well. */
  async close(): Promise<void> {}

  #meaning(error: unknown, doing: string, key: string): unknown {
    if (statusOf(error) === 412) {
      return new OperatingError('exists', `the store ${this.url} holds ${key} already`);
    }
    return s3Error(error, { url: this.url, doing: `${doing} ${key}`, object: key });
  }

  #notFound(key: string): OperatingError {
    return new OperatingError('not_found', `the store ${this.url} holds no ${key}`);
  }

  #tooShort(key: string): OperatingError {
    return new OperatingError('corrupt', `the object ${key} of ${this.url} is cut short`);
  }
}

const versionsKept =
  'the bucket keeps versions of what is removed, which take up space until a lifecycle rule for ' +
  'noncurrent versions ends them, and longer under an object lock';

function abortedBy(options: StoreOptions | undefined): { abortSignal?: AbortSignal } {
  return options?.signal === undefined ? {} : { abortSignal: options.signal };
}
