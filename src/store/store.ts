/**
 * Secondary storage: a flat set of named objects that are written once.
 *
 * What the medium must guarantee, and every implementation is tested for (`store-contract.ts`):
 *
 * - **Durability.** When `put` resolves, the object survives a power cut, whole.
 * - **Atomicity.** An object is there whole or not at all, whatever happens during `put`.
 * - **Read after write.** After `put` resolves, `get`, `sizeOf` and `list` see the object; `list`
 *   may take `listingLagMs` more.
 * - **Write once.** Names never collide by construction; a `put` of a name that is there rejects
 *   with `exists` where the medium can tell, and never tears the object that is there.
 *
 * A name is 1 to 200 characters of `a–z 0–9 - _ . /`, with no empty, `.` or `..` part; anything
 * else is an assertion, as is an object over 256 MiB. No object's name is a folder of another's
 * (`a` and `a/b`). Errors are operating errors: `not_found`, `exists`, `no_space`, `read_only`,
 * `denied`, `unavailable` (the medium is gone or does not answer), `io`, `aborted`.
 */
export interface Store {
  /** What the store is, for people: `file:///srv/firn/backups`. Holds no secret. */
  readonly url: string;

  /**
   * The stores that keep a copy of every object each, the first one first; they have no copies of
   * their own. Absent where each object is kept once.
   */
  readonly copies?: readonly Store[];

  /**
   * For how long a listing may lag behind what was put or removed, in milliseconds; undefined where
   * it never does. Gets are never late.
   */
  readonly listingLagMs?: number | undefined;

  /** Writes an object. The chunks are read only until the promise settles, and are not kept. */
  put(name: string, chunks: readonly Uint8Array[], options?: PutOptions): Promise<void>;

  /**
   * Begins an object of which more and more is known, so that little is left to do when it is
   * whole. A store may go without it.
   */
  readonly begin?: ((name: string) => Draft) | undefined;

  /**
   * Reads an object, or `range` of it. Rejects with `not_found`; a range that the object does not
   * hold whole rejects with `corrupt`.
   */
  get(name: string, options?: GetOptions): Promise<Uint8Array>;

  /** The size in bytes, or undefined when there is no such object. */
  sizeOf(name: string, options?: StoreOptions): Promise<number | undefined>;

  /** Every object whose name begins with `prefix`, each once, in no promised order. */
  list(prefix: string, options?: ListOptions): AsyncIterable<StoredObject>;

  /** Removes an object durably. One that is not there is no error. */
  remove(name: string, options?: StoreOptions): Promise<void>;

  /**
   * How the medium goes on keeping what was removed, as older versions that take up space, and what
   * ends them: a sentence's beginning, for people. Undefined where it does not, absent where none
   * ever does.
   */
  keepsRemoved?(): Promise<string | undefined>;

  close(): Promise<void>;
}

/** An object that is not there yet. It ends with `put` or `discard`. */
export interface Draft {
  /**
   * Says that the object begins with `content`, which stays as it is until the draft has ended. The
   * store may write some of that already; what fails then is left to `put`.
   */
  advance(content: Uint8Array): void;
  /** As the store's `put`; the first chunk begins with what was said last. */
  put(chunks: readonly Uint8Array[], options?: StoreOptions): Promise<void>;
  /** Gives it up. Resolves when the content is not needed any more. */
  discard(): Promise<void>;
}

export interface StoreOptions {
  readonly signal?: AbortSignal;
}

export interface ListOptions extends StoreOptions {
  /** Whose sizes are needed, everybody's by default; those of others may be said to be 0. */
  readonly isSizeNeeded?: (name: string) => boolean;
}

export interface PutOptions extends StoreOptions {
  /**
   * Puts the object in the place of one that was found damaged, or where none is. A crash leaves
   * the old object or the new one. Nothing else overwrites.
   */
  readonly replace?: boolean;
}

export interface GetOptions extends StoreOptions {
  readonly range?: ByteRange;
  /**
   * Memory of at least the range's length, for who asks often: a store that can puts the answer
   * somewhere there, and may write to all of it until the promise settles. Memory that begins at a
   * page and has room for two more than the range is read to past the page cache.
   */
  readonly into?: Uint8Array | undefined;
}

export interface ByteRange {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

export interface StoredObject {
  readonly name: string;
  readonly sizeBytes: number;
}

/** A place that holds containers, each of them a store: what `--store URL` names. */
export interface StoreRoot {
  readonly url: string;
  /** As that of its stores. */
  readonly listingLagMs?: number | undefined;
  /** Opens a container, and makes it if `create` is set. Rejects with `not_found` otherwise. */
  open(container: string, options: { create: boolean }): Promise<Store>;
  /** The names of all containers. */
  containers(): Promise<string[]>;
  /** Rejects with `invalid_input` a name that no container of this root can have. */
  checkContainer(container: string): void;
  close(): Promise<void>;
}
