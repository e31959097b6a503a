/**
 * What a guest made the sectors of a disk hold, in order, and how much of that was acknowledged.
 * Every version of a sector has a number of its own, which is in its bytes, so a sector that is
 * torn, old or of another place is told from the right one.
 */
import { assert, must } from '../../src/base/assert.ts';
import { GiB, MiB } from '../../src/base/bytes.ts';

export const sectorBytes = 4096;

const zeros = Buffer.alloc(sectorBytes);

/** The parts of a disk that are used: its start, the border of two map pages, longer runs. */
const windows = [
  { offsetBytes: 0, sectors: 32 },
  { offsetBytes: 64 * MiB - 16 * sectorBytes, sectors: 32 },
  { offsetBytes: 300 * MiB, sectors: 2048 },
  { offsetBytes: GiB - 32 * sectorBytes, sectors: 32 },
] as const;

/** Sectors that are used; they are numbered through all windows. */
export const places = windows.reduce((sum, { sectors }) => sum + sectors, 0);

/** By place: the number of a version. */
export type Mark = Uint32Array;

export interface Span {
  /** What is there is at least this new. */
  readonly least: Mark;
  /** And at most this. */
  readonly most: Mark;
}

interface Version {
  readonly isZero: boolean;
  /** A crash went back behind it, so that nothing may show it any more. */
  isLost: boolean;
}

/** Where a place lies on the disk. */
export function offsetOf(place: number): number {
  let first = 0;
  for (const { offsetBytes, sectors } of windows) {
    if (place < first + sectors) return offsetBytes + (place - first) * sectorBytes;
    first += sectors;
  }
  throw new RangeError(`there is no place ${place}`);
}

/** The places of each window, for whoever reads or writes runs of them. */
export function placeRuns(): { first: number; sectors: number }[] {
  let end = 0;
  return windows.map(({ sectors }) => ({ first: (end += sectors) - sectors, sectors }));
}

export class SectorHistory {
  /** The number of the version that the next reader may see at most. */
  readonly issued: Mark = new Uint32Array(places);
  readonly acknowledged: Mark = new Uint32Array(places);
  readonly flushed: Mark = new Uint32Array(places);
  readonly #disk: number;
  readonly #versions: Version[][] = Array.from({ length: places }, () => [
    { isZero: true, isLost: false },
  ]);

  /** `disk` is a number that no other disk has. */
  constructor(disk: number) {
    this.#disk = disk;
  }

  /** Begins a new version of some places; of a place only one may be under way. */
  begin(first: number, count: number, isZero: boolean): void {
    for (let place = first; place < first + count; place += 1) {
      assert(this.issued[place] === this.acknowledged[place], 'one change of a sector at once');
      this.issued[place] = this.#of(place).push({ isZero, isLost: false }) - 1;
    }
  }

  /** The bytes of the newest versions. */
  content(first: number, count: number): Buffer {
    const content = Buffer.alloc(count * sectorBytes);
    for (let index = 0; index < count; index += 1) {
      const sector = content.subarray(index * sectorBytes, (index + 1) * sectorBytes);
      this.#fill(sector, first + index, must(this.issued[first + index], 'a version'));
    }
    return content;
  }

  acknowledge(first: number, count: number, options: { isDurable: boolean }): void {
    for (let place = first; place < first + count; place += 1) {
      const version = must(this.issued[place], 'a version');
      this.acknowledged[place] = version;
      if (options.isDurable) this.flushed[place] = version;
    }
  }

  /** A flush that was asked for when `covered` was acknowledged has succeeded. */
  acknowledgeFlush(covered: Mark): void {
    for (const [place, version] of covered.entries()) {
      this.flushed[place] = Math.max(must(this.flushed[place], 'a version'), version);
    }
  }

  /** The number of the version that each sector holds. Throws where that is none of the span. */
  identify(content: Buffer, { least, most }: Span, what: string): Mark {
    const found = new Uint32Array(places);
    for (let place = 0; place < places; place += 1) {
      const sector = content.subarray(place * sectorBytes, (place + 1) * sectorBytes);
      const span = { least: must(least[place], 'least'), most: must(most[place], 'most') };
      const version = this.#versionIn(sector, place, span);
      if (version === undefined) throw new Error(this.#complaint(sector, place, span, what));
      found[place] = version;
    }
    return found;
  }

  /** After a crash: what was found is what counts from now on, and what it lacks is lost. */
  rebase(found: Mark): void {
    for (const [place, version] of found.entries()) {
      const versions = this.#of(place);
      for (const lost of versions.slice(version + 1)) lost.isLost = true;
      this.acknowledged[place] = this.flushed[place] = version;
      // The next version has a number that none of the lost ones had.
      this.issued[place] = version;
    }
  }

  #versionIn(
    sector: Buffer,
    place: number,
    span: { least: number; most: number },
  ): number | undefined {
    const versions = this.#of(place);
    const isZero = sector.equals(zeros);
    if (isZero) {
      for (let version = span.most; version >= span.least; version -= 1) {
        const { isZero: wasZero = false, isLost = true } = versions[version] ?? {};
        if (wasZero && !isLost) return version;
      }
      return undefined;
    }
    const version = sector.readUInt32LE(8);
    const known = versions[version];
    if (known === undefined || known.isLost || known.isZero) return undefined;
    const expected = this.#fill(Buffer.alloc(sectorBytes), place, version);
    const isWithin = version >= span.least && version <= span.most;
    return isWithin && expected.equals(sector) ? version : undefined;
  }

  #fill(sector: Buffer, place: number, version: number): Buffer {
    if (must(this.#of(place)[version], 'a version').isZero) return sector.fill(0);
    sector.writeUInt32LE(0x4e_52_49_46, 0);
    sector.writeUInt16LE(this.#disk, 4);
    sector.writeUInt16LE(place, 6);
    sector.writeUInt32LE(version, 8);
    sector.writeUInt32LE(~version >>> 0, 12);
    for (let at = 16; at < sectorBytes; at *= 2) sector.copyWithin(at, 0, at);
    return sector;
  }

  #complaint(
    sector: Buffer,
    place: number,
    { least, most }: { least: number; most: number },
    what: string,
  ): string {
    const kinds = this.#of(place)
      .slice(least, most + 1)
      .map(({ isZero, isLost }, index) => {
        return `${least + index}${isZero ? ' zero' : ''}${isLost ? ' lost' : ''}`;
      });
    return (
      `${what}: the sector at ${offsetOf(place)} begins with ${sector.toString('hex', 0, 16)}; ` +
      `it may hold version ${kinds.join(', ')}`
    );
  }

  #of(place: number): Version[] {
    return must(this.#versions[place], 'the versions of a place');
  }
}
