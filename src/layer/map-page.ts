import type { SectorKind } from './sector.ts';
import { absent, data, zero } from './sector.ts';

/** The sectors that one page of a map describes: 64 MiB of the volume. */
export const pageSectors = 16 * 1024;
/** Two bits a sector. Sector `i` of a page is in byte `i >> 2`, at bits `2·(i & 3)` and one up. */
export const pageBytes = pageSectors / 4;

/** The kind of sector `index` of a page. */
export function kindAt(page: Uint8Array, index: number): SectorKind {
  const bits = ((page[index >> 2] ?? 0) >> ((index & 3) * 2)) & 3;
  return bits === data ? data : bits === zero ? zero : absent;
}

/** Sets the sectors from `from` to before `to`; answers whether anything changed. */
export function setKinds(page: Uint8Array, from: number, to: number, kind: SectorKind): boolean {
  let changed = false;
  const pattern = kind * 0b01010101;
  for (let index = from; index < to;) {
    const byte = index >> 2;
    const before = page[byte] ?? 0;
    const whole = (index & 3) === 0 && to - index >= 4;
    const shift = (index & 3) * 2;
    const after = whole ? pattern : (before & ~(3 << shift)) | (kind << shift);
    if (after !== before) {
      page[byte] = after;
      changed = true;
    }
    index += whole ? 4 : 1;
  }
  return changed;
}

/** True when no sector has the bits `11`, which mean nothing. */
export function isValidPage(page: Uint8Array): boolean {
  let both = 0;
  for (let byte = 0; byte < page.length; byte += 1) {
    const bits = page[byte] ?? 0;
    both |= bits & (bits >> 1);
  }
  return (both & 0b01010101) === 0;
}

/** The end of the run of equal kinds that begins at `from`, at most `to`. */
export function runEnd(page: Uint8Array, from: number, to: number): number {
  const kind = kindAt(page, from);
  const pattern = kind * 0b01010101;
  let index = from + 1;
  while (index < to) {
    if ((index & 3) === 0 && page[index >> 2] === pattern) index += 4;
    else if (kindAt(page, index) === kind) index += 1;
    else return index;
  }
  return to;
}

/** True when all sectors from `from` to before `to` are of this kind. */
export function isAll(page: Uint8Array, from: number, to: number, kind: SectorKind): boolean {
  return kindAt(page, from) === kind && runEnd(page, from, to) === to;
}

/** True when one of the sectors from `from` to before `to` has its data in this layer. */
export function hasData(page: Uint8Array, from: number, to: number): boolean {
  for (let index = from; index < to;) {
    if (kindAt(page, index) === data) return true;
    index = runEnd(page, index, to);
  }
  return false;
}

/** By byte of a page: how many of its four sectors have their data in this layer. */
const dataInByte = Uint8Array.from({ length: 256 }, (_, byte) => {
  const parts = [byte & 3, (byte >> 2) & 3, (byte >> 4) & 3, byte >> 6];
  return parts.filter((bits) => bits === data).length;
});

/** How many sectors of a page have their data in this layer. */
export function countData(page: Uint8Array): number {
  let count = 0;
  for (const byte of page) count += dataInByte[byte] ?? 0;
  return count;
}

/** The index behind the last sector of a page that has its data in this layer; 0 without any. */
export function dataEndOf(page: Uint8Array): number {
  const byte = page.findLastIndex((bits) => (bits & ~(bits >> 1) & 0b01010101) !== 0);
  let end = (byte + 1) * 4;
  while (end > 0 && kindAt(page, end - 1) !== data) end -= 1;
  return end;
}

/** Lays `upper` over `lower`: what `upper` says holds, where it says nothing `lower` holds. */
export function overlayPage(lower: Uint8Array, upper: Uint8Array): Uint8Array {
  const result = new Uint8Array(pageBytes);
  for (let byte = 0; byte < pageBytes; byte += 1) {
    const top = upper[byte] ?? 0;
    const said = (top | (top >> 1)) & 0b01010101;
    result[byte] = top | ((lower[byte] ?? 0) & ~(said * 3));
  }
  return result;
}
