/**
 * The format of a pack and of its directory.
 *
 *     pack      = sealed block … ‖ sealed directory ‖ its length (4) ‖ "FIRNPACK"
 *     directory = entry …
 *     entry     = kind (1) ‖ id (32) ‖ length of the sealed block (4)
 *                 patches only: ‖ base id (32) ‖ mask (2)
 *
 * Numbers are little-endian. The blocks follow each other from offset 0 without gap, in the order
 * of the directory, so that offsets need not be stored. The mask is that of the patch: with it and
 * the base's id a writer makes the next patch without reading this one. A pack is called
 * `packs/xx/<id>`, where the id is 32 hexadecimal digits at random and xx its first two.
 */
import { assert } from '../base/assert.ts';
import { MiB } from '../base/bytes.ts';
import { OperatingError } from '../base/errors.ts';
import { type BlockKind, blockKinds, idBytes, isBlockKind } from './block.ts';
import { sealedBytesMax } from './block-table.ts';
import type { PatchBase } from './patch.ts';
import { sealBytes } from './seal.ts';

/** A pack is closed when its blocks reach this size or this number. */
export const packBytesTarget = 16 * MiB;
export const packEntriesMax = 16_384;

/** No pack is larger; what claims to be is damaged. */
export const packBytesMax = 64 * MiB;

const magic = Buffer.from('FIRNPACK');
export const trailerBytes = 4 + magic.length;

const entryBytes = 1 + idBytes + 4;
const patchEntryBytes = entryBytes + idBytes + 2;
export const directoryBytesMax = packEntriesMax * patchEntryBytes;

export interface DirectoryEntry {
  readonly kind: BlockKind;
  /** Where the id begins in the directory. */
  readonly idAt: number;
  /** Where the id of a patch's base begins in the directory; -1 for other kinds. */
  readonly baseAt: number;
  /** The place of the sealed block in the pack. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

const packIdPattern = /^[0-9a-f]{32}$/;

export function packName(packId: string): string {
  assert(packIdPattern.test(packId), 'a pack id has 32 hexadecimal digits');
  return `packs/${packId.slice(0, 2)}/${packId}`;
}

/** The id of the pack that is called `name`, or undefined when no pack is called so. */
export function packIdOf(name: string): string | undefined {
  const packId = name.slice('packs/xx/'.length);
  return packIdPattern.test(packId) && packName(packId) === name ? packId : undefined;
}

/** Collects the entries of a directory. */
export class DirectoryBuilder {
  #bytes = Buffer.allocUnsafeSlow(64 * entryBytes);
  #length = 0;
  count = 0;

  add(kind: BlockKind, id: Uint8Array, lengthBytes: number, base: PatchBase | undefined): void {
    assert((kind === blockKinds.patch) === (base !== undefined), 'just patches have a base');
    assert(this.count < packEntriesMax, 'a pack has a limit of blocks');
    const needed = this.#length + patchEntryBytes;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(needed * 2);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes[this.#length] = kind;
    this.#bytes.set(id, this.#length + 1);
    this.#bytes.writeUInt32LE(lengthBytes, this.#length + 1 + idBytes);
    this.#length += entryBytes;
    if (base !== undefined) {
      this.#bytes.set(base.id, this.#length);
      this.#bytes.writeUInt16LE(base.mask, this.#length + idBytes);
      this.#length += idBytes + 2;
    }
    this.count += 1;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/**
 * The entries of a directory. Throws `corrupt`, in the words of `subject`, at the first bad one.
 */
export function* entriesOf(directory: Uint8Array, subject: string): Generator<DirectoryEntry> {
  const view = Buffer.from(directory.buffer, directory.byteOffset, directory.byteLength);
  let offsetBytes = 0;
  for (let at = 0; at < view.length;) {
    const kind = view[at] ?? 0;
    if (!isBlockKind(kind) || at + entryBytes > view.length) throw malformed(subject);
    const lengthBytes = view.readUInt32LE(at + 1 + idBytes);
    const baseAt = kind === blockKinds.patch ? at + entryBytes : -1;
    const next = at + (baseAt === -1 ? entryBytes : patchEntryBytes);
    const short = lengthBytes <= sealBytes || lengthBytes > sealedBytesMax;
    if (short || next > view.length || offsetBytes + lengthBytes > packBytesMax) {
      throw malformed(subject);
    }
    yield { kind, idAt: at + 1, baseAt, offsetBytes, lengthBytes };
    offsetBytes += lengthBytes;
    at = next;
  }
}

/** What the patch of an entry lies on. */
export function baseOfEntry(directory: Uint8Array, { baseAt }: DirectoryEntry): PatchBase {
  assert(baseAt !== -1, 'the entry is that of a patch');
  const maskAt = baseAt + idBytes;
  const mask = (directory[maskAt] ?? 0) | ((directory[maskAt + 1] ?? 0) << 8);
  return { id: directory.subarray(baseAt, maskAt), mask };
}

export function encodeTrailer(sealedDirectoryBytes: number): Buffer {
  const trailer = Buffer.alloc(trailerBytes);
  trailer.writeUInt32LE(sealedDirectoryBytes);
  trailer.set(magic, 4);
  return trailer;
}

/** The length of the sealed directory in front of the trailer. Throws `corrupt`. */
export function decodeTrailer(trailer: Uint8Array, subject: string): number {
  const view = Buffer.from(trailer);
  if (view.length !== trailerBytes || !view.subarray(4).equals(magic)) throw malformed(subject);
  const length = view.readUInt32LE();
  if (length > directoryBytesMax + sealBytes) throw malformed(subject);
  return length;
}

function malformed(subject: string): OperatingError {
  return new OperatingError('corrupt', `${subject} is damaged`);
}
