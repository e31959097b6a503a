/**
 * HMAC-SHA256 of several texts at a time.
 *
 * The rounds of one SHA-256 wait for each other, and leave a processor half idle. OpenSSL, which is
 * part of Node, has a function for its TLS that goes through up to eight texts side by side: they
 * take half as long so. It is no part of what OpenSSL promises to keep, so that it is only used
 * where it is there and says of a known text what Node says.
 *
 *     sha256_multi_block(states, texts, 2)
 *     states = 8 words × 8 texts (4 bytes, of the machine's order)
 *     texts  = 8 × ( address (8) ‖ number of 64-byte blocks (4) ‖ unused (4) )
 */
import { createHmac } from 'node:crypto';
import { assert, must } from '../base/assert.ts';
import { bindNative, type NativeLibrary } from '../base/native-library.ts';

/** Texts that are hashed side by side. */
const lanes = 8;
const words = 8;
/** What SHA-256 takes in at a time, and what HMAC pads a key to (RFC 2104). */
const padBytes = 64;
const digestBytes = 32;
const addressBytes = 16;

/** The state that SHA-256 begins with (FIPS 180-4, 5.3.3). */
const firstState = Uint32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
);

/** Hashes texts under the key that it was made for. */
export interface ManyHashes {
  /**
   * Writes the HMAC-SHA256 of each text to the target in its place. All are equally long, a
   * multiple of 64 bytes.
   */
  digest(texts: readonly Uint8Array[], targets: readonly Uint8Array[]): void;
}

/** The function, with its arguments; one of each thread serves all keys. */
class Rounds {
  readonly #call: (states: Uint32Array, texts: Uint8Array, how: 2) => void;
  readonly #koffi: NativeLibrary['koffi'];
  readonly #states = new Uint32Array(words * lanes);
  readonly #texts = Buffer.alloc(lanes * addressBytes);

  constructor({ koffi, library }: NativeLibrary) {
    this.#koffi = koffi;
    this.#call = library.func('sha256_multi_block', 'void', ['void *', 'void *', 'int']);
  }

  /** Begins with the same state for every text. */
  begin(state: Uint32Array): void {
    for (let word = 0; word < words; word += 1) {
      this.#states.fill(state[word] ?? 0, word * lanes, (word + 1) * lanes);
    }
  }

  /** Goes through `lengthBytes` of each text, of which there are at most eight. */
  goThrough(texts: readonly Uint8Array[], lengthBytes: number): void {
    this.#texts.fill(0);
    for (const [lane, text] of texts.entries()) {
      this.#texts.writeBigUInt64LE(this.#koffi.address(text), lane * addressBytes);
      this.#texts.writeUInt32LE(lengthBytes / padBytes, lane * addressBytes + 8);
    }
    this.#call(this.#states, this.#texts, 2);
  }

  word(lane: number, word: number): number {
    return this.#states[word * lanes + lane] ?? 0;
  }

  /** Writes the state of a text as SHA-256 writes a digest. */
  write(lane: number, target: Uint8Array): void {
    for (let word = 0; word < words; word += 1) {
      const value = this.word(lane, word);
      const at = word * 4;
      target[at] = value >>> 24;
      target[at + 1] = value >>> 16;
      target[at + 2] = value >>> 8;
      target[at + 3] = value;
    }
  }
}

class KeyedRounds implements ManyHashes {
  readonly #rounds: Rounds;
  readonly #inner: Uint32Array;
  readonly #outer: Uint32Array;
  /** The inner digests, each with what ends a text of its length. */
  readonly #ends = Array.from({ length: lanes }, () => endOf(digestBytes, padBytes + digestBytes));

  constructor(rounds: Rounds, key: Uint8Array) {
    assert(key.length <= padBytes, 'a longer key would be hashed first');
    this.#rounds = rounds;
    this.#inner = this.#stateAfter(key, 0x36);
    this.#outer = this.#stateAfter(key, 0x5c);
  }

  digest(texts: readonly Uint8Array[], targets: readonly Uint8Array[]): void {
    const lengthBytes = texts[0]?.length ?? 0;
    assert(lengthBytes % padBytes === 0, 'a text ends with a block');
    assert(
      texts.every(({ length }) => length === lengthBytes),
      'the texts are equally long',
    );
    const end = endOf(0, padBytes + lengthBytes);
    for (let first = 0; first < texts.length; first += lanes) {
      const some = texts.slice(first, first + lanes);
      this.#rounds.begin(this.#inner);
      this.#rounds.goThrough(some, lengthBytes);
      this.#rounds.goThrough(
        some.map(() => end),
        padBytes,
      );
      const ends = this.#ends.slice(0, some.length);
      for (const [lane, inner] of ends.entries()) this.#rounds.write(lane, inner);
      this.#rounds.begin(this.#outer);
      this.#rounds.goThrough(ends, padBytes);
      for (const lane of ends.keys()) {
        this.#rounds.write(lane, must(targets[first + lane], 'a target for each text'));
      }
    }
  }

  /** The state after the padded key. */
  #stateAfter(key: Uint8Array, filler: number): Uint32Array {
    const pad = Buffer.alloc(padBytes, filler);
    for (const [at, byte] of key.entries()) pad[at] = filler ^ byte;
    this.#rounds.begin(firstState);
    this.#rounds.goThrough([pad], padBytes);
    return Uint32Array.from({ length: words }, (_, word) => this.#rounds.word(0, word));
  }
}

/**
 * The last 64 bytes of a text of `lengthBytes`, of which `ownBytes` are its own: FIPS 180-4, 5.1
 */
function endOf(ownBytes: number, lengthBytes: number): Buffer {
  const end = Buffer.alloc(padBytes);
  end[ownBytes] = 0x80;
  end.writeBigUInt64BE(BigInt(lengthBytes) * 8n, padBytes - 8);
  return end;
}

function isRight(make: (key: Uint8Array) => ManyHashes): boolean {
  const key = Buffer.alloc(digestBytes, 'key');
  const texts = Array.from({ length: lanes + 1 }, (_, lane) => Buffer.alloc(2 * padBytes, lane));
  const found = texts.map(() => Buffer.alloc(digestBytes));
  make(key).digest(texts, found);
  return texts.every((text, lane) =>
    createHmac('sha256', key).update(text).digest().equals(must(found[lane], 'digest')),
  );
}

/** Undefined where it cannot be had. `key`: up to 64 bytes. */
export const manyHashes: ((key: Uint8Array) => ManyHashes) | undefined = bindNative((native) => {
  const rounds = new Rounds(native);
  const make = (key: Uint8Array): ManyHashes => new KeyedRounds(rounds, key);
  assert(isRight(make), 'it hashes as Node does');
  return make;
});
