/**
 * Where each stored block is: a hash table in typed arrays, 20 bytes an entry, at 65 to 85 % load,
 * which makes 23.5 to 31 bytes for each block.
 *
 * The table is cut into segments by the first byte of the id, each with open addressing and linear
 * probing. Each grows alone, by 30 %, so that growth never needs twice the memory or a long pause.
 *
 * An entry keeps bytes 1 to 11 of the id; byte 0 is the segment. Ids are keyed hashes, which nobody
 * without the key can aim at, so that two of 10^9 blocks agree in 96 bits with a chance of 10^-11;
 * readers compare the whole id of what they open.
 *
 *     word 0  id bytes 1–4            word 3  offset (26 bits) ‖ kind (2) ‖ marks (4)
 *     word 1  id bytes 5–8            word 4  length (17) ‖ pack, low 15 bits
 *     word 2  id bytes 9–11 ‖ pack, high 8 bits
 *
 * A length of zero is an empty slot.
 */
import { assert, must } from '../base/assert.ts';
import { type BlockKind, blockKinds } from './block.ts';

const words = 5;
const loadMax = 0.85;
const growth = 1.3;
const capacityMin = 16;

export const packOffsetMax = 2 ** 26 - 1;
export const sealedBytesMax = 2 ** 17 - 1;
const packNumberMax = 2 ** 23 - 1;

export interface Location {
  pack: number;
  offsetBytes: number;
  lengthBytes: number;
  kind: BlockKind;
}

/** Marks of an entry: live for prune; live and shared for space; good or bad for verify. */
export const marks = { live: 8, shared: 4, good: 1, bad: 2 } as const;
export type Mark = (typeof marks)[keyof typeof marks];
const allMarks = 15;

interface Segment {
  slots: Uint32Array;
  capacity: number;
  count: number;
}

export class BlockTable {
  readonly #segments: Segment[];

  /** `segmentCount` is 256, or 1 for a small table of one pack. */
  constructor(segmentCount: 1 | 256 = 256) {
    this.#segments = Array.from({ length: segmentCount }, () => emptySegment(capacityMin));
  }

  get count(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.count, 0);
  }

  get memoryBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.slots.byteLength, 0);
  }

  /** Where the block is whose id begins at `at`, or undefined. */
  find(ids: Uint8Array, at = 0): Location | undefined {
    const segment = this.#segmentOf(ids, at);
    const slot = slotOf(segment, ids, at);
    if (isFree(segment.slots, slot)) return undefined;
    return locationAt(segment.slots, slot);
  }

  has(ids: Uint8Array, at = 0): boolean {
    const segment = this.#segmentOf(ids, at);
    return !isFree(segment.slots, slotOf(segment, ids, at));
  }

  /** Adds a block, unmarked, or moves one that is there and keeps its marks. */
  set(ids: Uint8Array, at: number, to: Location): void {
    assert(to.pack <= packNumberMax, 'a repository holds fewer than 2^23 packs');
    assert(to.offsetBytes <= packOffsetMax, 'a pack is shorter than 64 MiB');
    assert(to.lengthBytes > 0 && to.lengthBytes <= sealedBytesMax, 'a sealed block is short');
    const segment = this.#segmentOf(ids, at);
    const slot = slotOf(segment, ids, at);
    const fresh = isFree(segment.slots, slot);
    writeEntry(segment.slots, slot, ids, at, to);
    if (!fresh) return;
    segment.count += 1;
    if (segment.count > segment.capacity * loadMax) {
      rebuild(segment, Math.ceil(segment.capacity * growth), () => true);
    }
  }

  /** Marks a block; tells whether it was marked before, or is not there. */
  mark(mark: Mark, ids: Uint8Array, at = 0): 'now' | 'before' | 'missing' {
    const { slots, slot } = this.#slot(ids, at);
    if (isFree(slots, slot)) return 'missing';
    const word = slots[slot + 3] ?? 0;
    if ((word & mark) !== 0) return 'before';
    slots[slot + 3] = word | mark;
    return 'now';
  }

  /** All marks of a block; none when it is not there. */
  marksOf(ids: Uint8Array, at = 0): number {
    const { slots, slot } = this.#slot(ids, at);
    return isFree(slots, slot) ? 0 : (slots[slot + 3] ?? 0) & allMarks;
  }

  /** Replaces the marks in `mask`, if the block is there. */
  setMarks(ids: Uint8Array, mask: number, value: number): void {
    const { slots, slot } = this.#slot(ids, 0);
    if (isFree(slots, slot)) return;
    slots[slot + 3] = ((slots[slot + 3] ?? 0) & ~mask) | value;
  }

  isMarked(mark: Mark, ids: Uint8Array, at = 0): boolean {
    const { slots, slot } = this.#slot(ids, at);
    return !isFree(slots, slot) && ((slots[slot + 3] ?? 0) & mark) !== 0;
  }

  clearMarks(mark: Mark): void {
    for (const { slots } of this.#segments) {
      for (let at = 3; at < slots.length; at += words) slots[at] = (slots[at] ?? 0) & ~mark;
    }
  }

  /** Removes every block that is in one of `packs`. */
  removePacks(packs: ReadonlySet<number>): void {
    if (packs.size === 0) return;
    for (const segment of this.#segments) {
      rebuild(segment, segment.capacity, (slot) => !packs.has(packAt(segment.slots, slot)));
    }
  }

  #segmentOf(ids: Uint8Array, at: number): Segment {
    const index = this.#segments.length === 1 ? 0 : (ids[at] ?? 0);
    return must(this.#segments[index], 'segment');
  }

  #slot(ids: Uint8Array, at: number): { slots: Uint32Array; slot: number } {
    const segment = this.#segmentOf(ids, at);
    return { slots: segment.slots, slot: slotOf(segment, ids, at) };
  }
}

function emptySegment(capacity: number): Segment {
  return { slots: new Uint32Array(capacity * words), capacity, count: 0 };
}

function wordAt(ids: Uint8Array, at: number): number {
  const high = ((ids[at] ?? 0) << 24) | ((ids[at + 1] ?? 0) << 16);
  return (high | ((ids[at + 2] ?? 0) << 8) | (ids[at + 3] ?? 0)) >>> 0;
}

/** The index of the first word of the entry of an id, or of the free slot where it belongs. */
function slotOf(segment: Segment, ids: Uint8Array, at: number): number {
  const { slots } = segment;
  const first = wordAt(ids, at + 1);
  const second = wordAt(ids, at + 5);
  const third = wordAt(ids, at + 8) & 0xffffff;
  let slot = homeOf(first, segment.capacity);
  while (!isFree(slots, slot)) {
    const same =
      slots[slot] === first && slots[slot + 1] === second && (slots[slot + 2] ?? 0) >>> 8 === third;
    if (same) return slot;
    slot += words;
    if (slot === slots.length) slot = 0;
  }
  return slot;
}

function homeOf(firstWord: number, capacity: number): number {
  return Math.floor((firstWord / 2 ** 32) * capacity) * words;
}

function isFree(slots: Uint32Array, slot: number): boolean {
  return (slots[slot + 4] ?? 0) >>> 15 === 0;
}

function packAt(slots: Uint32Array, slot: number): number {
  return (((slots[slot + 2] ?? 0) & 0xff) << 15) | ((slots[slot + 4] ?? 0) & 0x7fff);
}

function locationAt(slots: Uint32Array, slot: number): Location {
  const third = slots[slot + 3] ?? 0;
  const kind = (third >>> 4) & 3;
  return {
    pack: packAt(slots, slot),
    offsetBytes: third >>> 6,
    lengthBytes: (slots[slot + 4] ?? 0) >>> 15,
    kind: kind === 1 ? blockKinds.whole : kind === 2 ? blockKinds.patch : blockKinds.node,
  };
}

function writeEntry(
  slots: Uint32Array,
  slot: number,
  ids: Uint8Array,
  at: number,
  to: Location,
): void {
  const kept = (slots[slot + 3] ?? 0) & allMarks;
  slots[slot] = wordAt(ids, at + 1);
  slots[slot + 1] = wordAt(ids, at + 5);
  slots[slot + 2] = ((wordAt(ids, at + 8) << 8) | (to.pack >>> 15)) >>> 0;
  slots[slot + 3] = ((to.offsetBytes << 6) | (to.kind << 4) | kept) >>> 0;
  slots[slot + 4] = ((to.lengthBytes << 15) | (to.pack & 0x7fff)) >>> 0;
}

/** Gives a segment another capacity, with only those entries that `keep`. */
function rebuild(segment: Segment, capacity: number, keep: (slot: number) => boolean): void {
  const old = segment.slots;
  const slots = new Uint32Array(capacity * words);
  let count = 0;
  for (let from = 0; from < old.length; from += words) {
    if (isFree(old, from) || !keep(from)) continue;
    let to = homeOf(old[from] ?? 0, capacity);
    while (!isFree(slots, to)) to = to + words === slots.length ? 0 : to + words;
    // Five words: a copy by views of them takes ten times as long.
    for (let word = 0; word < words; word += 1) slots[to + word] = old[from + word] ?? 0;
    count += 1;
  }
  segment.slots = slots;
  segment.capacity = capacity;
  segment.count = count;
}
