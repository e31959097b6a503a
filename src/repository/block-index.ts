/**
 * What the repository holds, in memory: every pack, and where each block is.
 *
 * It is filled from the index objects and the listing of the packs. A pack that no index names (a
 * crash came between pack and index) is adopted by reading its own directory, and named by the next
 * index that is written. A pack that an index names and the store does not hold is left out, so
 * that a writer stores its blocks anew.
 *
 * A block that is stored twice, whole and as a patch, is found whole, whatever was added first: it
 * may be the base of other patches, which only a whole block can be.
 *
 * Use and removal: `use` notes when a writer last relied on a pack. Prune may only condemn a pack
 * that nobody relied on since a moment of its choice; a condemned pack is no longer offered to
 * writers from that instant on, while readers may still read it.
 */
import { assert, must } from '../base/assert.ts';
import { isOperatingError, type OperatingError } from '../base/errors.ts';
import { blockKinds } from './block.ts';
import { BlockTable, type Location } from './block-table.ts';
import type { PackContent } from './index-format.ts';
import { entriesOf, packName } from './pack-format.ts';

export interface Pack {
  readonly number: number;
  readonly packId: string;
  readonly sizeBytes: number;
  lastUse: number;
  condemned: boolean;
  /** Whether any block in it is a patch, whose base is needed as long as it is. */
  patches: boolean;
  /** The index object that names it. */
  indexId: string | undefined;
}

/** An object that could not be read when the repository was opened. */
export interface DamagedObject {
  readonly name: string;
  readonly error: OperatingError;
}

export class BlockIndex {
  readonly table = new BlockTable();
  readonly damaged: DamagedObject[] = [];
  /** The index objects that were read. */
  readonly indexIds = new Set<string>();
  /** Index objects that name nothing that another one does not. */
  readonly stale: string[] = [];
  /** Packs that no readable index names; the next index that is written will. */
  readonly unindexed = new Map<string, PackContent>();
  /** The moment of the plan whose live marks the table has. */
  liveMarksOf: number | undefined;
  /** Whether a pack is to go, also one that is found only now. */
  isCondemned: (packId: string) => boolean = () => false;
  readonly #packs: (Pack | undefined)[] = [];
  readonly #numbers = new Map<string, number>();
  #now = 0;

  /**
   * Adds a durable pack with its blocks; blocks that are elsewhere already stay there. Of a pack
   * that is known, the blocks that are known nowhere are added.
   */
  add(content: PackContent, indexId?: string): Pack {
    const { packId, sizeBytes, directory } = content;
    const pack = this.findPack(packId) ?? this.#addPack(packId, sizeBytes, indexId);
    for (const entry of entriesOf(directory, `the pack ${packName(packId)}`)) {
      const { idAt, offsetBytes, lengthBytes, kind } = entry;
      pack.patches ||= kind === blockKinds.patch;
      const old = this.table.find(directory, idAt);
      const better = kind === blockKinds.whole && old?.kind === blockKinds.patch;
      const stays = pack.condemned || (!better && this.#isKept(old));
      if (old !== undefined && stays) continue;
      this.table.set(directory, idAt, { pack: pack.number, offsetBytes, lengthBytes, kind });
    }
    return pack;
  }

  #isKept(at: Location | undefined): boolean {
    return at !== undefined && !this.pack(at.pack).condemned;
  }

  #addPack(packId: string, sizeBytes: number, indexId: string | undefined): Pack {
    const number = this.#packs.length;
    const pack: Pack = {
      number,
      packId,
      sizeBytes,
      lastUse: this.#now,
      condemned: this.isCondemned(packId),
      patches: false,
      indexId,
    };
    this.#packs.push(pack);
    this.#numbers.set(packId, number);
    return pack;
  }

  find(ids: Uint8Array, at = 0): Location | undefined {
    return this.table.find(ids, at);
  }

  /** True when the block is stored and will stay, as a writer relies on it from now on. */
  use(ids: Uint8Array, at = 0): boolean {
    const location = this.table.find(ids, at);
    if (location === undefined) return false;
    const pack = this.pack(location.pack);
    if (pack.condemned) return false;
    pack.lastUse = this.#now;
    return true;
  }

  pack(number: number): Pack {
    return must(this.#packs[number], `pack ${number}`);
  }

  findPack(packId: string): Pack | undefined {
    const number = this.#numbers.get(packId);
    return number === undefined ? undefined : this.#packs[number];
  }

  *packs(): Generator<Pack> {
    for (const pack of this.#packs) if (pack !== undefined) yield pack;
  }

  /** The number that the next pack gets. */
  get packCount(): number {
    return this.#packs.length;
  }

  /** A moment: what is used later has a `lastUse` that is not smaller. */
  tick(): number {
    this.#now += 1;
    return this.#now;
  }

  /** Forgets packs that were condemned, and every block that is still said to be in them. */
  forget(packs: readonly Pack[]): void {
    for (const pack of packs) {
      assert(pack.condemned, 'only condemned packs are forgotten');
      this.#packs[pack.number] = undefined;
      this.#numbers.delete(pack.packId);
      this.unindexed.delete(pack.packId);
    }
    this.table.removePacks(new Set(packs.map((pack) => pack.number)));
  }

  /** Remembers an object that is damaged or gone; other errors are thrown on. */
  noteDamage(name: string, error: unknown): void {
    if (!isOperatingError(error, 'corrupt') && !isOperatingError(error, 'not_found')) throw error;
    if (!this.damaged.some((known) => known.name === name)) this.damaged.push({ name, error });
  }
}
