import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { throwIfAborted } from '../base/abort.ts';
import { OperatingError } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import { checkSize } from './names.ts';
import { rangeHeader } from './range-header.ts';
import type { GetOptions, PutOptions, Store, StoredObject, StoreOptions } from './store.ts';
import type { HttpAnswer } from './http-exchange.ts';
import { parseJson, type SwiftSession } from './swift-session.ts';

/** A container that is busy takes note of an object a while after it is there. */
export const listingLagMs = 5000;
/** Hashing more at once would hold up everybody else. */
const hashedAtOnceBytes = 1024 * 1024;

/**
 * One container of a Swift account as a store that takes any name. An object is put by one request:
 * Swift takes up to 5 GiB in one, and Firn's are far smaller. The server checks it against its MD5.
 */
export class SwiftContainer implements Store {
  readonly url: string;
  readonly listingLagMs = listingLagMs;
  readonly #session: SwiftSession;
  readonly #path: string;
  readonly #pageObjects: number;

  constructor(session: SwiftSession, container: string, url: string, pageObjects: number) {
    this.url = url;
    this.#session = session;
    this.#path = `/${encodeURIComponent(container)}`;
    this.#pageObjects = pageObjects;
  }

  async put(key: string, chunks: readonly Uint8Array[], options?: PutOptions): Promise<void> {
    throwIfAborted(options?.signal);
    checkSize(chunks);
    const headers = {
      etag: await md5Of(chunks),
      'content-type': 'application/octet-stream',
      // Not safe against two puts at the same time; names do not collide anyhow.
      ...(options?.replace === true ? {} : { 'if-none-match': '*' }),
    };
    const path = this.#pathOf(key);
    const answer = await this.#session.send({
      method: 'PUT',
      path,
      headers,
      body: chunks,
      signal: options?.signal,
    });
    if (answer.status === 412) {
      throw new OperatingError('exists', `the store ${this.url} holds ${key} already`);
    }
    if (answer.status === 404) throw this.#gone();
    if (answer.status === 422) {
      throw new OperatingError('io', `${key} changed on its way to ${this.url}`);
    }
    this.#check(answer, `write ${key}`);
  }

  async get(key: string, options?: GetOptions): Promise<Uint8Array> {
    throwIfAborted(options?.signal);
    const range = options?.range;
    if (range?.lengthBytes === 0) {
      const sizeBytes = await this.sizeOf(key, options);
      if (sizeBytes === undefined) throw this.#notFound(key);
      if (range.offsetBytes > sizeBytes) throw this.#tooShort(key);
      return new Uint8Array(0);
    }
    const answer = await this.#session.send({
      method: 'GET',
      path: this.#pathOf(key),
      headers: range === undefined ? {} : { range: rangeHeader(range) },
      signal: options?.signal,
    });
    if (answer.status === 404) throw this.#notFound(key);
    if (answer.status === 416) throw this.#tooShort(key);
    this.#check(answer, `read ${key}`);
    if (range !== undefined && answer.body.length !== range.lengthBytes) throw this.#tooShort(key);
    return answer.body;
  }

  async sizeOf(key: string, options?: StoreOptions): Promise<number | undefined> {
    throwIfAborted(options?.signal);
    const path = this.#pathOf(key);
    const answer = await this.#session.send({ method: 'HEAD', path, signal: options?.signal });
    if (answer.status === 404) return undefined;
    this.#check(answer, `look at ${key}`);
    return Number(answer.headers['content-length'] ?? 0);
  }

  async *list(prefix: string, options?: StoreOptions): AsyncIterable<StoredObject> {
    for (let marker = ''; ;) {
      throwIfAborted(options?.signal);
      const limit = String(this.#pageObjects);
      const query = new URLSearchParams({ format: 'json', prefix, marker, limit });
      const path = `${this.#path}?${query.toString()}`;
      const answer = await this.#session.send({ method: 'GET', path, signal: options?.signal });
      if (answer.status === 404) throw this.#gone();
      this.#check(answer, `list ${prefix}`);
      const page = entriesOf(answer);
      yield* page;
      const last = page.at(-1);
      // A page that is not full need not be the last: the server may have its own limit.
      if (last === undefined) return;
      marker = last.name;
    }
  }

  async remove(key: string, options?: StoreOptions): Promise<void> {
    throwIfAborted(options?.signal);
    const path = this.#pathOf(key);
    const answer = await this.#session.send({ method: 'DELETE', path, signal: options?.signal });
    if (answer.status !== 404) this.#check(answer, `remove ${key}`);
  }

  /**
   * Three ways of keeping versions (docs.openstack.org, Swift, "Object Versioning"). With that of
   * `X-Versions-Location` what was put once is gone when it is removed, and what was put anew in
   * its place, as healing does it, shows what was there before.
   */
  async keepsRemoved(): Promise<string | undefined> {
    const { headers } = await this.#look();
    const header = (name: string): string => String(headers[name] ?? '');
    if (header('x-versions-enabled').toLowerCase() === 'true') {
      return (
        'the container keeps versions of what is removed (X-Versions-Enabled), which take up ' +
        'space until they are removed one by one'
      );
    }
    const [history, stack] = [header('x-history-location'), header('x-versions-location')];
    if (history !== '') {
      return (
        'the container moves what is removed to the container ' +
        `${history} (X-History-Location), where it takes up space until it is removed there`
      );
    }
    if (stack === '') return undefined;
    return (
      `what is healed stays in the container ${stack} as it was, and comes back from there when ` +
      'it is removed (X-Versions-Location)'
    );
  }

  /** The connections are the session's, which other containers use as well. */
  async close(): Promise<void> {}

  /** True when the container is there. */
  async isThere(): Promise<boolean> {
    return (await this.#look()).status !== 404;
  }

  async #look(): Promise<HttpAnswer> {
    // Not HEAD: some servers send a body with the 404, which breaks the connection.
    const answer = await this.#session.send({ method: 'GET', path: `${this.#path}?limit=1` });
    if (answer.status !== 404) this.#check(answer, 'look at the container');
    return answer;
  }

  /** Makes the container; one that is there is no error. */
  async make(): Promise<void> {
    const answer = await this.#session.send({ method: 'PUT', path: this.#path, body: [] });
    this.#check(answer, 'make the container');
  }

  #check({ status, body }: HttpAnswer, doing: string): void {
    const error = swiftError(status, this.url, doing, body);
    if (error !== undefined) throw error;
  }

  #pathOf(key: string): string {
    return `${this.#path}/${key.split('/').map(encodeURIComponent).join('/')}`;
  }

  #gone(): OperatingError {
    return new OperatingError('unavailable', `the container of the store ${this.url} is gone`);
  }

  #notFound(key: string): OperatingError {
    return new OperatingError('not_found', `the store ${this.url} holds no ${key}`);
  }

  #tooShort(key: string): OperatingError {
    return new OperatingError('corrupt', `the object ${key} of ${this.url} is cut short`);
  }
}

/** What an answer's status means; undefined for success. */
export function swiftError(
  status: number,
  url: string,
  doing: string,
  body: Uint8Array,
): OperatingError | undefined {
  if (status >= 200 && status < 300) return undefined;
  const said = Buffer.from(body)
    .toString()
    .replaceAll(/<[^>]*>|\s+/g, ' ')
    .trim()
    .slice(0, 120);
  if (status === 403) {
    return new OperatingError(
      'denied',
      `the store ${url} does not let Firn ${doing}: the user needs a role with write access ` +
        '(member or swiftoperator) in the project, or an ACL on the container',
    );
  }
  if (status === 413) return new OperatingError('no_space', `the quota of ${url} is used up`);
  if (status === 507) return new OperatingError('no_space', `the store ${url} is full`);
  if (status === 408 || status === 429 || status === 498 || status >= 500) {
    return new OperatingError('unavailable', `the store ${url} is busy: it answered ${status}`);
  }
  return new OperatingError('io', `the store ${url} could not ${doing}: ${status} ${said}`);
}

function entriesOf(answer: HttpAnswer): StoredObject[] {
  const page = answer.status === 204 ? [] : parseJson(answer.body);
  if (!Array.isArray(page)) throw new OperatingError('io', 'a listing of Swift is malformed');
  return page
    .filter(isJsonObject)
    .flatMap(({ name, bytes }) =>
      typeof name === 'string' && typeof bytes === 'number' ? [{ name, sizeBytes: bytes }] : [],
    );
}

async function md5Of(chunks: readonly Uint8Array[]): Promise<string> {
  const hash = createHash('md5');
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += hashedAtOnceBytes) {
      if (at > 0) await turn();
      hash.update(chunk.subarray(at, at + hashedAtOnceBytes));
    }
  }
  return hash.digest('hex');
}
