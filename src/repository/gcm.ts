/**
 * AES-256-GCM with nonces of 12 bytes and tags of 16 (NIST SP 800-38D).
 *
 * Node makes an object for every text and answers in new memory, which takes longer than to encrypt
 * a 4 KiB sector does, and leaves the collector with work. OpenSSL is part of Node all the same:
 * where its functions can be called, one context of each thread serves all calls, and results go
 * where they are wanted.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { assert } from '../base/assert.ts';
import { bindNative, type NativeLibrary } from '../base/native-library.ts';

export const nonceBytes = 12;
export const tagBytes = 16;
const keyBytes = 32;

/** What is to be en- or decrypted, and what it is bound to. */
export interface Sealing {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  /** Is authenticated with the text. */
  readonly label: Uint8Array;
}

export interface Gcm {
  /** Writes ciphertext ‖ tag to the beginning of `target`, which has room for it. */
  encrypt(sealing: Sealing, plain: Uint8Array, target: Uint8Array): void;
  /**
   * Writes what `sealed` = ciphertext ‖ tag was made of to the beginning of `target`, which has
   * room for it. Throws when a single bit differs; what is in `target` is undefined then.
   */
  decrypt(sealing: Sealing, sealed: Uint8Array, target: Uint8Array): void;
}

/** By Node's own functions; works everywhere. */
export const nodeGcm: Gcm = {
  encrypt: ({ key, nonce, label }, plain, target) => {
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
    cipher.setAAD(label);
    // Between memories of which threads share one, a buffer's `copy` is twice as fast as `set`.
    cipher.update(plain).copy(target);
    cipher.final();
    target.set(cipher.getAuthTag(), plain.length);
  },
  decrypt: ({ key, nonce, label }, sealed, target) => {
    const end = sealed.length - tagBytes;
    const opening = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
    opening.setAuthTag(sealed.subarray(end));
    opening.setAAD(label);
    opening.update(sealed.subarray(0, end)).copy(target);
    opening.final();
  },
};

/** openssl/evp.h */
const EVP_CTRL_AEAD_GET_TAG = 0x10;
const EVP_CTRL_AEAD_SET_TAG = 0x11;

type Pointer = object | null;
type Bytes = Uint8Array | null;

function bind({ library }: NativeLibrary): Gcm {
  const [pointer, int] = ['void *', 'int'];
  const newContext: () => Pointer = library.func('EVP_CIPHER_CTX_new', pointer, []);
  const aes256Gcm: () => Pointer = library.func('EVP_aes_256_gcm', pointer, []);
  const init: (
    context: Pointer,
    cipher: Pointer,
    engine: null,
    key: Bytes,
    nonce: Bytes,
    encrypts: 1 | 0,
  ) => number = library.func('EVP_CipherInit_ex', int, [
    pointer,
    pointer,
    pointer,
    pointer,
    pointer,
    int,
  ]);
  const update: (
    context: Pointer,
    target: Bytes,
    written: Int32Array,
    source: Uint8Array,
    sourceBytes: number,
  ) => number = library.func('EVP_CipherUpdate', int, [pointer, pointer, pointer, pointer, int]);
  const final: (context: Pointer, target: Bytes, written: Int32Array) => number = library.func(
    'EVP_CipherFinal_ex',
    int,
    [pointer, pointer, pointer],
  );
  const control: (context: Pointer, what: number, n: number, tag: Uint8Array) => number =
    library.func('EVP_CIPHER_CTX_ctrl', int, [pointer, int, int, pointer]);
  const written = new Int32Array(1);
  const none = Buffer.allocUnsafeSlow(tagBytes);
  const context = (encrypts: 1 | 0): Pointer => {
    const made = newContext();
    demand(init(made, aes256Gcm(), null, null, null, encrypts));
    return made;
  };
  const [encryption, decryption] = [context(1), context(0)];
  const begin = (made: Pointer, { key, nonce, label }: Sealing, encrypts: 1 | 0): void => {
    assert(key.length === keyBytes && nonce.length === nonceBytes, 'key and nonce have their size');
    demand(init(made, null, null, key, nonce, encrypts));
    demand(update(made, null, written, label, label.length));
  };
  const through = (made: Pointer, source: Uint8Array, target: Uint8Array): void => {
    if (source.length === 0) return;
    demand(update(made, target, written, source, source.length));
    assert(written[0] === source.length, 'the text is as long as before');
  };
  return {
    encrypt: (sealing, plain, target) => {
      assert(target.length >= plain.length + tagBytes, 'there is room');
      begin(encryption, sealing, 1);
      through(encryption, plain, target);
      demand(final(encryption, none, written));
      const tag = target.subarray(plain.length, plain.length + tagBytes);
      demand(control(encryption, EVP_CTRL_AEAD_GET_TAG, tagBytes, tag));
    },
    decrypt: (sealing, sealed, target) => {
      const lengthBytes = sealed.length - tagBytes;
      assert(lengthBytes >= 0 && target.length >= lengthBytes, 'there is a text, and room');
      begin(decryption, sealing, 0);
      through(decryption, sealed.subarray(0, lengthBytes), target);
      demand(control(decryption, EVP_CTRL_AEAD_SET_TAG, tagBytes, sealed.subarray(lengthBytes)));
      demand(final(decryption, none, written));
    },
  };
}

/** OpenSSL answers 1 for success. */
function demand(answer: number): void {
  if (answer !== 1)
    throw new RangeError('OpenSSL refused: the text is damaged, or the key another');
}

/** Each opens what the other has made. */
function isRight(native: Gcm): boolean {
  const fill = (lengthBytes: number, byte: number): Buffer => Buffer.alloc(lengthBytes, byte);
  const sealing = { key: fill(keyBytes, 1), nonce: fill(nonceBytes, 2), label: fill(7, 3) };
  const plain = fill(100, 4);
  const [ours, theirs] = [fill(plain.length + tagBytes, 0), fill(plain.length + tagBytes, 0)];
  native.encrypt(sealing, plain, ours);
  nodeGcm.encrypt(sealing, plain, theirs);
  const opened = fill(plain.length, 0);
  native.decrypt(sealing, theirs, opened);
  return ours.equals(theirs) && opened.equals(plain);
}

/** By OpenSSL's functions; undefined where they cannot be called. */
export const nativeGcm: Gcm | undefined = bindNative((native) => {
  const gcm = bind(native);
  assert(isRight(gcm), 'it encrypts as Node does');
  return gcm;
});

export const gcm: Gcm = nativeGcm ?? nodeGcm;
