import { crc32 } from 'node:zlib';
import { assert } from '../base/assert.ts';

/**
 * A block of a map file (docs/formats/layer.md): 4 KiB of content in sixteen units of 512 bytes,
 * each of which proves itself.
 *
 * A disk writes 512 bytes whole or not at all. So whatever a power cut leaves of a block that was
 * being replaced, each unit is the old or the new one, and each mark in it holds for itself: a
 * block needs neither a journal nor a second copy, and a unit that does not prove itself is damage.
 */
export const contentBytes = 4096;
export const storedBytes = 8192;
/** How much of the content one unit holds. */
export const unitContentBytes = 256;

const unitBytes = 512;
const units = contentBytes / unitContentBytes;
const positionAt = unitContentBytes;
const checksumAt = positionAt + 8;

/** A block as it was read; the content of units that are not sealed is zeros. */
export interface OpenedBlock {
  readonly content: Uint8Array;
  /** Units that hold only zeros: never written. In order. */
  readonly empty: readonly number[];
  /** Units whose checksum or position is wrong. In order. */
  readonly damaged: readonly number[];
}

/**
 * The stored form of `content`, to be written at `positionBytes` of the file. `memory`: to be used
 * for it, zeros or an earlier block.
 */
export function sealBlock(
  content: Uint8Array,
  positionBytes: number,
  memory = new Uint8Array(storedBytes),
): Uint8Array {
  assert(content.byteLength === contentBytes, 'a block has 4 KiB of content');
  const stored = Buffer.from(memory.buffer, memory.byteOffset, storedBytes);
  for (let unit = 0; unit < units; unit += 1) {
    const at = unit * unitBytes;
    const from = unit * unitContentBytes;
    stored.set(content.subarray(from, from + unitContentBytes), at);
    stored.writeBigUInt64LE(BigInt(positionBytes + at), at + positionAt);
    stored.writeUInt32LE(crc32(stored.subarray(at, at + checksumAt)), at + checksumAt);
  }
  return stored;
}

/** Takes a block apart that was read at `positionBytes`, and proves each unit. */
export function openBlock(stored: Uint8Array, positionBytes: number): OpenedBlock {
  assert(stored.byteLength === storedBytes, 'a block is read whole');
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  const content = new Uint8Array(contentBytes);
  const empty: number[] = [];
  const damaged: number[] = [];
  for (let unit = 0; unit < units; unit += 1) {
    const piece = bytes.subarray(unit * unitBytes, (unit + 1) * unitBytes);
    if (isSealed(piece, positionBytes + unit * unitBytes)) {
      content.set(piece.subarray(0, unitContentBytes), unit * unitContentBytes);
    } else if (piece.every((byte) => byte === 0)) empty.push(unit);
    else damaged.push(unit);
  }
  return { content, empty, damaged };
}

function isSealed(piece: Buffer, positionBytes: number): boolean {
  return (
    piece.readUInt32LE(checksumAt) === crc32(piece.subarray(0, checksumAt)) &&
    piece.readBigUInt64LE(positionAt) === BigInt(positionBytes)
  );
}
