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
import { randomFillSync } from 'node:crypto';
import { assert } from '../base/assert.ts';
import { OperatingError } from '../base/errors.ts';
import { type BlockKind, blockBytes, idBytes } from './block.ts';
import { gcm, nonceBytes, tagBytes } from './gcm.ts';
import type { ObjectKind } from './keys.ts';
import { zstd } from './zstd.ts';

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

/** What is between plaintext and ciphertext of a block, used again. */
const scratch = Buffer.allocUnsafeSlow(blockBytes + sealBytes);

function scratchOf(lengthBytes: number): Buffer {
  return lengthBytes <= scratch.length
    ? scratch.subarray(0, lengthBytes)
    : Buffer.allocUnsafeSlow(lengthBytes);
}

/** Seals `plain` under `key`. The result is longer than `plain` by at most `sealBytes`. */
export function seal(key: Uint8Array, label: Uint8Array, plain: Uint8Array): Buffer {
  const target = Buffer.allocUnsafeSlow(plain.length + sealBytes);
  return target.subarray(0, sealInto(target, key, label, plain));
}

/** Seals `plain` to the beginning of `target`, which has room for any result; its length. */
export function sealInto(
  target: Uint8Array,
  key: Uint8Array,
  label: Uint8Array,
  plain: Uint8Array,
): number {
  assert(target.length >= plain.length + sealBytes, 'there is room for what does not shrink');
  const room = scratchOf(Math.max(0, plain.length - 1));
  const packedBytes = zstd.compress(plain, room);
  const content = packedBytes > 0 ? room.subarray(0, packedBytes) : plain;
  const flag = packedBytes > 0 ? flags.zstd : flags.raw;
  target[0] = flag;
  const nonce = target.subarray(1, 1 + nonceBytes);
  nonce.set(freshNonce());
  gcm.encrypt({ key, nonce, label: bound(flag, label) }, content, target.subarray(1 + nonceBytes));
  return content.length + sealBytes;
}

/**
 * Opens what `seal` made with the same key and label. Rejects with `corrupt`, in the words of
 * `subject`, when a single bit differs or when the plaintext would be longer than `plainBytesMax`.
 */
export function unseal(
  key: Uint8Array,
  label: Uint8Array,
  sealed: Uint8Array,
  { subject, plainBytesMax }: { subject: string; plainBytesMax: number },
): Buffer {
  assert(plainBytesMax > 0, 'there is a limit to the plaintext');
  const isRaw = sealed[0] === flags.raw;
  if (isRaw && sealed.length - sealBytes > plainBytesMax) throw corrupt(subject);
  try {
    if (!isRaw) return zstd.decompress(decipher(key, label, sealed, scratchOf), plainBytesMax);
    return decipher(key, label, sealed, (lengthBytes) => Buffer.allocUnsafeSlow(lengthBytes));
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
  key: Uint8Array,
  label: Uint8Array,
  sealed: Uint8Array,
  { subject }: { subject: string },
): number {
  try {
    if (sealed[0] !== flags.raw) {
      return zstd.decompressInto(decipher(key, label, sealed, scratchOf), target);
    }
    return decipher(key, label, sealed, (lengthBytes) => {
      if (lengthBytes > target.length) throw new RangeError('the plaintext is too long');
      return target.subarray(0, lengthBytes);
    }).length;
  } catch (error) {
    throw corrupt(subject, error);
  }
}

/**
 * What was encrypted, compressed or not, in the memory that `roomFor` answers for its length.
 * Throws when a single bit differs.
 */
function decipher<T extends Uint8Array>(
  key: Uint8Array,
  label: Uint8Array,
  sealed: Uint8Array,
  roomFor: (lengthBytes: number) => T,
): T {
  if (sealed.length < sealBytes) throw new RangeError('a seal is longer');
  const content = roomFor(sealed.length - sealBytes);
  const nonce = sealed.subarray(1, 1 + nonceBytes);
  const sealing = { key, nonce, label: bound(sealed[0] ?? 0, label) };
  gcm.decrypt(sealing, sealed.subarray(1 + nonceBytes), content);
  return content;
}

/** What a text is bound to. */
function bound(flag: number, label: Uint8Array): Uint8Array {
  const both = new Uint8Array(1 + label.length);
  both[0] = flag;
  both.set(label, 1);
  return both;
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
