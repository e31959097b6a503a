/**
 * The keys of a repository.
 *
 * One random master key; every other key is derived from it by HKDF-SHA256 (RFC 5869) with the
 * repository's id as salt and a text as info. Blocks are sealed under 256 keys, chosen by the first
 * byte of their id: a key may seal 2^32 times with random nonces (NIST SP 800-38D, 8.3), so that a
 * repository may seal 2^40 blocks.
 */
import { hkdfSync } from 'node:crypto';
import { assert } from '../base/assert.ts';
import { KeyedHash } from './keyed-hash.ts';

export const keyBytes = 32;

/** The sealed objects that are no blocks; each kind has a key of its own. */
export type ObjectKind = 'directory' | 'index' | 'manifest' | 'lease' | 'prune' | 'cache';

export class RepositoryKeys {
  readonly masterKey: Uint8Array;
  readonly repositoryId: string;
  readonly #ids: KeyedHash;
  readonly #derived = new Map<string, Uint8Array>();
  readonly #blockKeys: (Uint8Array | undefined)[] = [];

  constructor(masterKey: Uint8Array, repositoryId: string) {
    assert(masterKey.length === keyBytes, 'a master key has 32 bytes');
    this.masterKey = masterKey;
    this.repositoryId = repositoryId;
    this.#ids = new KeyedHash(this.#deriveBytes('id'));
  }

  /** The id of a block's or node's plain bytes. */
  idOf(plain: Uint8Array): Buffer {
    return this.#ids.digest(plain);
  }

  /** Writes the ids of several blocks at a time, which takes half as long. */
  idsOf(plains: readonly Uint8Array[], targets: readonly Uint8Array[]): void {
    this.#ids.digestEach(plains, targets);
  }

  /** The key that seals the block whose id begins with `firstByte`. */
  blockKey(firstByte: number): Uint8Array {
    return (this.#blockKeys[firstByte] ??= this.#derive(`block ${firstByte}`));
  }

  objectKey(kind: ObjectKind): Uint8Array {
    return this.#derive(kind);
  }

  #derive(info: string): Uint8Array {
    const known = this.#derived.get(info);
    if (known !== undefined) return known;
    const key = this.#deriveBytes(info);
    this.#derived.set(info, key);
    return key;
  }

  #deriveBytes(info: string): Uint8Array {
    const salt = Buffer.from(this.repositoryId);
    return new Uint8Array(hkdfSync('sha256', this.masterKey, salt, `firn/1 ${info}`, keyBytes));
  }
}
