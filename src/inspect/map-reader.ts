import type { PooledFile } from '../layer/file-pool.ts';
import {
  checkMapHeader,
  directoryAt,
  pageAt,
  pagesPerDirectory,
  isNewerMap,
} from '../layer/map-format.ts';
import { kindAt } from '../layer/map-page.ts';
import type { OpenedBlock } from '../layer/sealed-block.ts';
import { contentBytes, openBlock, storedBytes, unitContentBytes } from '../layer/sealed-block.ts';
import { OperatingError } from '../base/errors.ts';

/** The sectors that one unit of a page describes: 4 MiB of the volume. */
export const unitSectors = unitContentBytes * 4;
/** The units of a block. */
export const unitsOfPage = contentBytes / unitContentBytes;
/** The pages that one unit of a directory describes: 128 GiB of the volume. */
export const unitPages = unitContentBytes * 8;

/** A unit of a directory that says nothing any more: the pages from `firstPage` on. */
export interface LostPages {
  readonly group: number;
  readonly unit: number;
  readonly firstPage: number;
}

export interface ReadPage {
  /** The marks; those of sectors that are lost are absent. */
  readonly kinds: Uint8Array;
  /** Runs of sectors of the page whose marks are lost, in order. */
  readonly lost: readonly { readonly from: number; readonly to: number }[];
}

/** Reads a map as far as it can be read, and says what cannot. */
export class MapReader {
  readonly #file: PooledFile;
  readonly #directories = new Map<number, Uint8Array>();
  /** Set when the header is no header. */
  headerFault: string | undefined;
  /** True when the header is one of a later version, of which nothing more can be said. */
  isNewer = false;
  readonly lostPages: LostPages[] = [];
  sizeBytes = 0;

  private constructor(file: PooledFile) {
    this.#file = file;
  }

  /** Rejects only when the file cannot be read at all. */
  static async open(file: PooledFile): Promise<MapReader> {
    const reader = new MapReader(file);
    reader.sizeBytes = await file.sizeBytes();
    await reader.#openNow();
    return reader;
  }

  /** True when the header or a directory cannot be trusted. */
  get isDamaged(): boolean {
    return this.headerFault !== undefined || this.lostPages.length > 0;
  }

  /** True when something in it proves that it is a map of this version. */
  get isProven(): boolean {
    return this.headerFault === undefined || this.#directories.size > 0;
  }

  /** The pages that hold anything, in order. */
  *pages(): Generator<number> {
    for (const [group, bits] of this.#directories) {
      for (const [byte, value] of bits.entries()) {
        if (value === 0) continue;
        for (let bit = 0; bit < 8; bit += 1) {
          if ((value >> bit) & 1) yield group * pagesPerDirectory + byte * 8 + bit;
        }
      }
    }
  }

  hasPage(page: number): boolean {
    const bits = this.#directories.get(Math.floor(page / pagesPerDirectory));
    const index = page % pagesPerDirectory;
    return bits !== undefined && (((bits[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
  }

  /** True when nobody knows whether the page is there: its part of the directory is damaged. */
  isLost(page: number): boolean {
    return this.lostPages.some(
      ({ firstPage }) => page >= firstPage && page < firstPage + unitPages,
    );
  }

  /** A page, if the directory names it. One whose directory is lost counts as not named. */
  async readPage(page: number): Promise<ReadPage | undefined> {
    if (!this.hasPage(page)) return undefined;
    const { content, empty, damaged } = await this.readBlock(pageAt(page));
    const lost = [...empty, ...damaged].map((unit) => ({
      from: unit * unitSectors,
      to: (unit + 1) * unitSectors,
    }));
    for (const [byte, bits] of content.entries()) {
      if ((bits & (bits >> 1) & 0b01010101) === 0) continue;
      for (let index = byte * 4; index < byte * 4 + 4; index += 1) {
        // `kindAt` takes the two bits that mean nothing for absent.
        const isNothing = kindAt(content, index) === 0 && ((bits >> ((index & 3) * 2)) & 3) !== 0;
        if (isNothing) lost.push({ from: index, to: index + 1 });
      }
    }
    lost.sort((a, b) => a.from - b.from);
    return { kinds: content, lost };
  }

  /** A block of the file, taken apart. */
  async readBlock(positionBytes: number): Promise<OpenedBlock> {
    const stored = new Uint8Array(storedBytes);
    await this.#file.read(stored, positionBytes);
    return openBlock(stored, positionBytes);
  }

  /** True when header and directories can be made again from what is left. */
  get canMend(): boolean {
    const ends = this.lostPages.map(({ group }) => directoryAt(group) + storedBytes);
    // Of a file that ends before its directory, the pages are lost too.
    return this.isProven && ends.every((end) => end <= this.sizeBytes);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #openNow(): Promise<void> {
    await this.#readHeader();
    if (this.isNewer) return;
    for (let group = 0; group === 0 || directoryAt(group) < this.sizeBytes; group += 1) {
      const { content, empty, damaged } = await this.readBlock(directoryAt(group));
      // The first directory is there from the beginning, any other since it has a bit.
      for (const unit of group === 0 ? [...empty, ...damaged] : damaged) {
        const firstPage = group * pagesPerDirectory + unit * unitPages;
        this.lostPages.push({ group, unit, firstPage });
      }
      if (content.some((byte) => byte !== 0)) this.#directories.set(group, content);
    }
  }

  async #readHeader(): Promise<void> {
    const stored = new Uint8Array(storedBytes);
    await this.#file.read(stored, 0);
    try {
      checkMapHeader(stored, this.#file.path);
    } catch (error) {
      if (!(error instanceof OperatingError)) throw error;
      this.headerFault = error.message;
      this.isNewer = isNewerMap(stored);
    }
  }
}
