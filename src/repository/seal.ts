/**
 * Seal and open: compress, then encrypt, and the reverse.
 *
 *     sealed     = flag (1 byte) ‖ nonce (12) ‖ ciphertext ‖ tag (16)
 *     flag       = 0: the plaintext is stored as it is; 1: as one zstd frame
 *     ciphertext = AES-256-GCM; associated data = flag ‖ label
 *
 * The label says what the plaintext is and under which name it is kept, so that nothing opens in
 * another's place.
 */
import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { assert } from '../base/assert.ts';
import { OperatingError } from '../base/errors.ts';
import { type BlockKind, idBytes } from './block.ts';
import type { ObjectKind } from './keys.ts';
import { zstd } from './zstd.ts';

const nonceBytes = 12;
const tagBytes = 16;
export const sealBytes = 1 + nonceBytes + tagBytes;

const flags = { raw: 0, zstd: 1 } as const;

/** Random bytes for the next nonces: to draw many at once costs hardly more than to draw one. */
const drawn = Buffer.allocUnsafeSlow(256 * nonceBytes);
let drawnUsed = drawn.length;

/** Random bytes that nobody gets twice. */
function freshNonce(): Buffer {
  if (drawnUsed === drawn.length) {
    randomFillSync(drawn);
    drawnUsed = 0;
  }
  drawnUsed += nonceBytes;
  return drawn.subarray(drawnUsed - nonceBytes, drawnUsed);
}

/** What `sealInto` compresses into, used again. */
let scratch = Buffer.allocUnsafeSlow(64 * 1024);

/** Seals `plain` under `key`. The result is longer than `plain` by at most `sealBytes`. */
export function seal(key: KeyObject, label: Uint8Array, plain: Uint8Array): Buffer {
  const target = Buffer.allocUnsafeSlow(plain.length + sealBytes);
  return target.subarray(0, sealInto(target, key, label, plain));
}

/** Seals `plain` to the beginning of `target`, which has room for any result; its length. */
export function sealInto(
  target: Uint8Array,
  key: KeyObject,
  label: Uint8Array,
  plain: Uint8Array,
): number {
  assert(target.length >= plain.length + sealBytes, 'there is room for what does not shrink');
  if (scratch.length < plain.length) scratch = Buffer.allocUnsafeSlow(plain.length);
  const room = scratch.subarray(0, Math.max(0, plain.length - 1));
  const packedBytes = zstd.compress(plain, room);
  const content = packedBytes > 0 ? scratch.subarray(0, packedBytes) : plain;
  const end = 1 + nonceBytes + content.length;
  target[0] = packedBytes > 0 ? flags.zstd : flags.raw;
  const nonce = target.subarray(1, 1 + nonceBytes);
  nonce.set(freshNonce());
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(target.subarray(0, 1)).setAAD(label);
  // Between memories of which threads share one, a buffer's `copy` is twice as fast as `set`.
  cipher.update(content).copy(target, 1 + nonceBytes);
  cipher.final();
  target.set(cipher.getAuthTag(), end);
  return end + tagBytes;
}

/**
 * Opens what `seal` made with the same key and label. Rejects with `corrupt`, in the words of
 * `subject`, when a single bit differs or when the plaintext would be longer than `plainBytesMax`.
 */
export function unseal(
  key: KeyObject,
  label: Uint8Array,
  sealed: Uint8Array,
  { subject, plainBytesMax }: { subject: string; plainBytesMax: number },
): Buffer {
  assert(plainBytesMax > 0, 'there is a limit to the plaintext');
  const isRaw = sealed[0] === flags.raw;
  if (isRaw && sealed.length - sealBytes > plainBytesMax) throw corrupt(subject);
  try {
    const content = decipher(key, label, sealed);
    return isRaw ? content : zstd.decompress(content, plainBytesMax);
  } catch (error) {
    throw corrupt(subject, error);
  }
}

/**
 * As `unseal`, to the beginning of `target`, which is the limit; its length. What is in `target`
 * when it rejects is undefined.
 */
export function unsealInto(
  target: Uint8Array,
  key: KeyObject,
  label: Uint8Array,
  sealed: Uint8Array,
  { subject }: { subject: string },
): number {
  try {
    const content = decipher(key, label, sealed);
    if (sealed[0] !== flags.raw) return zstd.decompressInto(content, target);
    if (content.length > target.length) throw new RangeError('the plaintext is too long');
    return content.copy(target);
  } catch (error) {
    throw corrupt(subject, error);
  }
}

/** What was encrypted, compressed or not. Throws when a single bit differs. */
function decipher(key: KeyObject, label: Uint8Array, sealed: Uint8Array): Buffer {
  if (sealed.length < sealBytes) throw new RangeError('a seal is longer');
  const end = sealed.length - tagBytes;
  const nonce = sealed.subarray(1, 1 + nonceBytes);
  const opening = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  opening.setAuthTag(sealed.subarray(end));
  opening.setAAD(sealed.subarray(0, 1)).setAAD(label);
  const content = opening.update(sealed.subarray(1 + nonceBytes, end));
  opening.final();
  return content;
}

/** The label of a sealed block or node. */
export function blockLabel(kind: BlockKind, id: Uint8Array): Uint8Array {
  assert(id.length === idBytes, 'an id has 32 bytes');
  const label = new Uint8Array(1 + idBytes);
  label[0] = kind;
  label.set(id, 1);
  return label;
}

/** The label of a sealed object that is kept under the id `objectId`. */
export function objectLabel(kind: ObjectKind, objectId: string): Uint8Array {
  return Buffer.from(`${kind} ${objectId}`);
}

function corrupt(subject: string, cause?: unknown): OperatingError {
  return new OperatingError('corrupt', `${subject} is damaged`, { cause });
}
