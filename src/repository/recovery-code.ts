/**
 * A wrapping key as people can write it down and type it in: four lines, each with 8 of its bytes
 * and the first 2 of SHA-256 over the line's number and these, in base32 (RFC 4648). So a wrong
 * character is found, with its line, before anything is tried.
 *
 *     1: ABCD EFGH IJKL MNOP
 */
import { createHash } from 'node:crypto';
import { assert, must } from '../base/assert.ts';
import { OperatingError } from '../base/errors.ts';
import { keyBytes } from './keys.ts';

const lineCount = 4;
const lineBytes = keyBytes / lineCount;
const checkBytes = 2;
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The lines of the code. */
export function encodeRecoveryCode(key: Uint8Array): string[] {
  assert(key.length === keyBytes, 'a wrapping key has 32 bytes');
  return Array.from({ length: lineCount }, (_, index) => {
    const content = key.subarray(index * lineBytes, (index + 1) * lineBytes);
    const text = toBase32(Buffer.concat([content, checkOf(index, content)]));
    return `${index + 1}: ${must(text.match(/.{4}/g), 'groups').join(' ')}`;
  });
}

/**
 * The key that a text tells, which may hold more than the code. Case, spaces and dashes do not
 * matter. Throws `invalid_input` that names the line.
 */
export function decodeRecoveryCode(text: string): Uint8Array {
  const key = new Uint8Array(keyBytes);
  for (let index = 0; index < lineCount; index += 1) {
    const pattern = new RegExp(`^[\\s>|*]*${index + 1}\\s*[:.)]\\s*([A-Za-z2-7 \\t-]+)$`, 'm');
    const typed = pattern.exec(text.replaceAll('\r', ''))?.[1]?.replaceAll(/[\s-]/g, '');
    if (typed === undefined) throw wrongLine(index, 'is missing');
    const bytes = fromBase32(typed.toUpperCase());
    if (bytes.length !== lineBytes + checkBytes) throw wrongLine(index, 'has not 16 characters');
    const content = bytes.subarray(0, lineBytes);
    if (!checkOf(index, content).equals(bytes.subarray(lineBytes))) {
      throw wrongLine(index, 'has a wrong character');
    }
    key.set(content, index * lineBytes);
  }
  return key;
}

function checkOf(index: number, content: Uint8Array): Buffer {
  const hash = createHash('sha256')
    .update(Uint8Array.of(index + 1))
    .update(content);
  return hash.digest().subarray(0, checkBytes);
}

function toBase32(bytes: Uint8Array): string {
  let text = '';
  for (let bit = 0; bit < bytes.length * 8; bit += 5) {
    const pair = ((bytes[bit >> 3] ?? 0) << 8) | (bytes[(bit >> 3) + 1] ?? 0);
    text += alphabet[(pair >> (11 - (bit & 7))) & 31];
  }
  return text;
}

function fromBase32(text: string): Buffer {
  const bytes = Buffer.alloc(Math.floor((text.length * 5) / 8));
  let value = 0;
  let bits = 0;
  let at = 0;
  for (const character of text) {
    value = ((value << 5) | alphabet.indexOf(character)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at] = (value >> bits) & 255;
    at += 1;
  }
  return bytes;
}

function wrongLine(index: number, what: string): OperatingError {
  return new OperatingError('invalid_input', `line ${index + 1} of the key ${what}`);
}
