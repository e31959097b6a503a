/**
 * The plaintext of a patch: the sectors in which a block differs from a whole block, its base.
 *
 *     patch = id of the base (32) ‖ mask (2, little-endian; bit s: sector s is here) ‖ sector …
 *
 * The base is always stored whole, never as a patch. The id of a patched block is that of its full
 * 64 KiB, and is checked after the sectors were put in place.
 */
import { assert } from '../base/assert.ts';
import { blockBytes, idBytes, sectorBytes } from './block.ts';

const headBytes = idBytes + 2;
const sectors = blockBytes / sectorBytes;

/** A block that differs in more sectors is stored whole. */
const patchSectorsMax = sectors / 2;
export const patchBytesMax = headBytes + patchSectorsMax * sectorBytes;

/** A patch, but for the content of its sectors. */
export interface PatchBase {
  /** The id of the whole block that it lies on. */
  readonly id: Uint8Array;
  /** The sectors that it replaces. */
  readonly mask: number;
}

/** The mask of the sectors in which two blocks differ. */
export function differingSectors(block: Uint8Array, base: Uint8Array): number {
  const left = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  let mask = 0;
  for (let sector = 0; sector < sectors; sector += 1) {
    const start = sector * sectorBytes;
    const end = start + sectorBytes;
    if (left.compare(base, start, end, start, end) !== 0) mask |= 1 << sector;
  }
  return mask;
}

/** True when a block that differs from its base by `mask` is better stored as a patch. */
export function isPatchWorthwhile(mask: number): boolean {
  return mask !== 0 && countBits(mask) <= patchSectorsMax;
}

/** Encodes a patch to the beginning of `room`, which takes any; returns it. */
export function encodePatch(
  room: Buffer,
  block: Uint8Array,
  baseId: Uint8Array,
  mask: number,
): Buffer {
  assert(isPatchWorthwhile(mask), 'a patch is smaller than its block');
  const patch = room.subarray(0, headBytes + countBits(mask) * sectorBytes);
  const source = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  patch.set(baseId);
  patch.writeUInt16LE(mask, idBytes);
  let at = headBytes;
  for (let sector = 0; sector < sectors; sector += 1) {
    if ((mask & (1 << sector)) === 0) continue;
    const start = sector * sectorBytes;
    at += source.copy(patch, at, start, start + sectorBytes);
  }
  return patch;
}

/** The base of a patch, or undefined when the patch is malformed. */
export function baseOfPatch(patch: Uint8Array): Uint8Array | undefined {
  return isWellFormed(patch) ? patch.subarray(0, idBytes) : undefined;
}

/** Puts the sectors of a patch into `block`, which holds the base. False when it is malformed. */
export function applyPatch(patch: Uint8Array, block: Uint8Array): boolean {
  if (!isWellFormed(patch)) return false;
  const mask = maskOf(patch);
  let at = headBytes;
  for (let sector = 0; sector < sectors; sector += 1) {
    if ((mask & (1 << sector)) === 0) continue;
    block.set(patch.subarray(at, at + sectorBytes), sector * sectorBytes);
    at += sectorBytes;
  }
  return true;
}

function isWellFormed(patch: Uint8Array): boolean {
  const whole = patch.length >= headBytes && patch.length <= patchBytesMax;
  return whole && patch.length === headBytes + countBits(maskOf(patch)) * sectorBytes;
}

function maskOf(patch: Uint8Array): number {
  return (patch[idBytes] ?? 0) | ((patch[idBytes + 1] ?? 0) << 8);
}

function countBits(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
