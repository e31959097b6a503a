import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert, must } from '../base/assert.ts';
import { OperatingError } from '../base/errors.ts';
import { settleAll } from '../base/serial.ts';
import type { PooledFile } from './file-pool.ts';
import {
  checkMapHeader,
  directoryAt,
  directoryBytes,
  pageAt,
  pagesPerDirectory,
} from './map-format.ts';
import { isValidPage, kindAt, pageBytes, pageSectors, runEnd, setKinds } from './map-page.ts';
import { openBlock, sealBlock, storedBytes } from './sealed-block.ts';
import type { SectorKind } from './sector.ts';

/** What pages are read into, to be used again: whoever reads many would leave as many behind. */
const spareBlocks: Uint8Array[] = [];
const spareBlocksMax = 16;

/** What pages are read into that take no wait. */
const readNowBlock = new Uint8Array(storedBytes);

/** Pages that are written at the same time: 128 KiB of the file. */
const pagesAtOnce = 16;

/** Clean pages kept in memory; each describes 64 MiB of the volume. */
const cleanPagesMax = 256;

/** A page on its way to the file, as it was at one instant. */
interface PendingPage {
  readonly page: number;
  /** That of the page in memory, until that changes: a copy then. */
  content: Uint8Array;
}

/** Changes of a map on their way to the file, as they were at one instant. */
export interface PendingMap {
  readonly pages: readonly Readonly<PendingPage>[];
}

/**
 * The map of one layer: two bits a sector, in pages that are read when they are needed.
 *
 * Invariants:
 * - A page that differs from the file is in memory until the file holds it.
 * - A page whose bit in the directory is clear was never written: all its sectors are absent.
 * - The file changes only in `write`, with what `take` found before. So whoever syncs the data
 *   between the two marks only what is there.
 * - In the file, a page is durable before its bit is written. So a bit without its page is damage,
 *   and so is a part of a block that does not prove itself; neither is ever read as marks.
 */
export class SectorMap {
  readonly #file: PooledFile;
  readonly #pages = new Map<number, Uint8Array>();
  readonly #loading = new Map<number, Promise<void>>();
  /** Those of them that the file holds, the longest loaded first. */
  readonly #clean = new Set<number>();
  readonly #dirty = new Set<number>();
  readonly #writing = new Map<number, PendingPage>();
  /** By group of pages: a bit for each page that the file, or memory, has. */
  readonly #directories = new Map<number, Uint8Array>();
  /** The same of the file alone. */
  readonly #written = new Map<number, Uint8Array>();
  #opening: Promise<void> | undefined;
  #opened = false;
  #isEvicting = false;

  constructor(file: PooledFile) {
    this.#file = file;
  }

  /** Reads the header and the directories, once. Rejects with `corrupt`. */
  open(): Promise<void> | undefined {
    if (this.#opened) return undefined;
    this.#opening ??= this.#openNow().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  get dirtyPages(): number {
    return this.#dirty.size;
  }

  /** True when memory differs from what is durable. */
  get hasUnwritten(): boolean {
    return this.#dirty.size > 0 || this.#writing.size > 0;
  }

  /** True when `open` has nothing to do. */
  get isOpen(): boolean {
    return this.#opened;
  }

  /** True when the page holds anything; only after `open`. */
  hasPage(page: number): boolean {
    return hasBit(this.#directories, page);
  }

  /** The pages that hold anything, in order; only after `open`. */
  *presentPages(): Generator<number> {
    const groups = [...this.#directories.keys()].sort((a, b) => a - b);
    for (const group of groups) {
      const bits = must(this.#directories.get(group), 'a directory');
      for (let byte = 0; byte < bits.length; byte += 1) {
        const value = must(bits[byte], 'a byte of the directory');
        if (value === 0) continue;
        for (let bit = 0; bit < 8; bit += 1) {
          if ((value >> bit) & 1) yield group * pagesPerDirectory + byte * 8 + bit;
        }
      }
    }
  }

  /** The page as it is now, if it holds anything, without keeping it. Not to be changed. */
  async readPage(page: number): Promise<Uint8Array | undefined> {
    await this.open();
    if (!this.hasPage(page)) return undefined;
    return this.#pages.get(page) ?? this.#readFromFile(page);
  }

  /** The page in memory, if it is there; it shows every later change. */
  cachedPage(page: number): Uint8Array | undefined {
    return this.#pages.get(page);
  }

  /** Brings pages into memory so that `set` may be called; undefined when they are there. */
  load(firstPage: number, lastPage: number): Promise<void> | undefined {
    return this.isLoaded(firstPage, lastPage) ? undefined : this.#loadAll(firstPage, lastPage);
  }

  /** True when these pages are in memory. */
  isLoaded(firstPage: number, lastPage: number): boolean {
    for (let page = firstPage; page <= lastPage; page += 1) {
      if (!this.#pages.has(page)) return false;
    }
    return true;
  }

  /** Brings pages into memory if that takes no wait; true when they are there. */
  loadNow(firstPage: number, lastPage: number): boolean {
    if (!this.#opened) return false;
    for (let page = firstPage; page <= lastPage; page += 1) {
      if (!this.#pages.has(page) && !this.#loadPageNow(page)) return false;
    }
    return true;
  }

  /** True when all these sectors, whose pages are loaded, are of this kind. */
  isAll(first: number, end: number, kind: SectorKind): boolean {
    for (let sector = first; sector < end;) {
      const page = Math.floor(sector / pageSectors);
      const from = sector - page * pageSectors;
      const to = Math.min(pageSectors, from + end - sector);
      const content = must(this.#pages.get(page), 'the page is loaded before it is looked at');
      if (kindAt(content, from) !== kind || runEnd(content, from, to) < to) return false;
      sector += to - from;
    }
    return true;
  }

  /** Marks the sectors from `first` to before `end`, whose pages are loaded. */
  set(first: number, end: number, kind: SectorKind): void {
    for (let sector = first; sector < end;) {
      const page = Math.floor(sector / pageSectors);
      const from = sector - page * pageSectors;
      const to = Math.min(pageSectors, from + end - sector);
      const content = must(this.#pages.get(page), 'the page is loaded before it is marked');
      this.#keepPending(page, content);
      if (setKinds(content, from, to, kind)) {
        this.#noteDirty(page);
      }
      sector += to - from;
    }
  }

  /** Takes a whole page as it is; the caller does not change it afterwards. */
  put(page: number, content: Uint8Array): void {
    this.#pages.set(page, content);
    this.#noteDirty(page);
  }

  /** What is not in the file yet, as it is; then `write` is called, or nothing flushed again. */
  take(): PendingMap {
    const pages = [...this.#dirty]
      .sort((a, b) => a - b)
      .map((page) => ({
        page,
        content: must(this.#pages.get(page), 'a dirty page is in memory'),
      }));
    this.#dirty.clear();
    for (const pending of pages) this.#writing.set(pending.page, pending);
    return { pages };
  }

  /** Writes what was taken into the file, durably. After a failure nothing more may be written. */
  async write(pending: PendingMap): Promise<void> {
    if (pending.pages.length === 0) return;
    await this.#writePages(pending);
    await this.#file.datasync();
    await this.#writeDirectories(pending);
    for (const { page } of pending.pages) {
      this.#writing.delete(page);
      if (!this.#dirty.has(page)) this.#clean.add(page);
    }
    this.#evict(cleanPagesMax);
  }

  /**
   * Forgets all that memory has beyond the file, after a write that has failed. Of the pages of
   * that write nobody knows which are durable, whatever the file shows now: the next one has them
   * again.
   */
  async revert(): Promise<void> {
    const doubtful = [...this.#writing.keys()];
    this.#pages.clear();
    this.#clean.clear();
    this.#dirty.clear();
    this.#directories.clear();
    this.#written.clear();
    this.#opened = false;
    await this.open();
    for (const page of doubtful) {
      if (!this.hasPage(page)) continue;
      await this.#loadAll(page, page);
      this.#noteDirty(page);
      clearBit(this.#written, page);
    }
    this.#writing.clear();
  }

  /** Gives up the memory of all pages that the file holds. */
  shrink(): void {
    this.#evict(0);
  }

  /** Several at once, neighbours together; then others get a turn of the event loop. */
  async #writePages({ pages }: PendingMap): Promise<void> {
    const memory = new Uint8Array(Math.min(pagesAtOnce, pages.length) * storedBytes);
    for (let first = 0; first < pages.length; first += pagesAtOnce) {
      if (first > 0) await nextTurn();
      const some = pages.slice(first, first + pagesAtOnce);
      const writes: Promise<void>[] = [];
      let from = 0;
      for (const [index, { page, content }] of some.entries()) {
        const stored = memory.subarray(index * storedBytes, (index + 1) * storedBytes);
        sealBlock(content, pageAt(page), stored);
        const next = some[index + 1];
        if (next !== undefined && pageAt(next.page) === pageAt(page) + storedBytes) continue;
        const run = memory.subarray(from, (index + 1) * storedBytes);
        writes.push(this.#file.write(run, pageAt(page) + storedBytes - run.byteLength));
        from = (index + 1) * storedBytes;
      }
      await settleAll(writes);
    }
  }

  /** Notes in the file that these pages, which are durable, are there; mostly they were before. */
  async #writeDirectories(pending: PendingMap): Promise<void> {
    const groups = new Set<number>();
    for (const { page } of pending.pages) {
      if (setBit(this.#written, page)) groups.add(Math.floor(page / pagesPerDirectory));
    }
    if (groups.size === 0) return;
    for (const group of groups) {
      const bits = must(this.#written.get(group), 'a directory');
      await this.#file.write(sealBlock(bits, directoryAt(group)), directoryAt(group));
    }
    await this.#file.datasync();
  }

  async #openNow(): Promise<void> {
    const sizeBytes = await this.#file.sizeBytes();
    checkMapHeader(await this.#readBlock(0), this.#file.path);
    for (let group = 0; group === 0 || directoryAt(group) < sizeBytes; group += 1) {
      await this.#openDirectory(group);
    }
    this.#opened = true;
  }

  async #openDirectory(group: number): Promise<void> {
    const position = directoryAt(group);
    const { content, empty, damaged } = openBlock(await this.#readBlock(position), position);
    // The first directory is there from the beginning, any other since it has a bit.
    if (damaged.length > 0 || (group === 0 && empty.length > 0)) {
      throw new OperatingError('corrupt', `Directory ${group} of ${this.#file.path} is damaged.`);
    }
    if (content.every((byte) => byte === 0)) return;
    this.#directories.set(group, content);
    this.#written.set(group, Uint8Array.from(content));
  }

  /** A block of the file; what lies behind its end is zeros. */
  async #readBlock(positionBytes: number): Promise<Uint8Array> {
    const stored = new Uint8Array(storedBytes);
    await this.#file.read(stored, positionBytes);
    return stored;
  }

  async #loadAll(firstPage: number, lastPage: number): Promise<void> {
    await this.open();
    for (let page = firstPage; page <= lastPage; page += 1) {
      if (this.#pages.has(page)) continue;
      let loading = this.#loading.get(page);
      if (loading === undefined) {
        loading = this.#loadPage(page).finally(() => this.#loading.delete(page));
        this.#loading.set(page, loading);
      }
      await loading;
    }
  }

  async #loadPage(page: number): Promise<void> {
    this.#keep(
      page,
      this.hasPage(page) ? await this.#readFromFile(page) : new Uint8Array(pageBytes),
    );
  }

  #loadPageNow(page: number): boolean {
    if (this.#loading.has(page)) return false;
    if (!this.hasPage(page)) {
      this.#keep(page, new Uint8Array(pageBytes));
      return true;
    }
    if (this.#file.readNow(readNowBlock, pageAt(page)) !== 'done') return false;
    const found = openPage(readNowBlock, pageAt(page));
    // Whoever loads it the ordinary way says what is wrong with it.
    if (found.fault !== undefined) return false;
    this.#keep(page, found.content);
    return true;
  }

  #keep(page: number, content: Uint8Array): void {
    assert(!this.#pages.has(page), 'a page is loaded once');
    this.#pages.set(page, content);
    this.#clean.add(page);
    if (this.#clean.size > cleanPagesMax) this.#evictLater();
  }

  /**
   * Whoever waits for a page goes on in this turn of the event loop, and finds it there: if others
   * could take it away before, many who load at once would load for ever.
   */
  #evictLater(): void {
    if (this.#isEvicting) return;
    this.#isEvicting = true;
    setImmediate(() => {
      this.#isEvicting = false;
      this.#evict(cleanPagesMax);
    });
  }

  async #readFromFile(page: number): Promise<Uint8Array> {
    const position = pageAt(page);
    const stored = spareBlocks.pop() ?? new Uint8Array(storedBytes);
    const count = await this.#file.read(stored, position);
    const { content, fault } = openPage(stored.fill(0, count), position);
    if (spareBlocks.length < spareBlocksMax) spareBlocks.push(stored);
    if (fault === undefined) return content;
    throw new OperatingError('corrupt', `Page ${page} of ${this.#file.path} ${fault}.`);
  }

  /** Before a page changes that is on its way to the file: what was taken stays as it was. */
  #keepPending(page: number, content: Uint8Array): void {
    if (this.#writing.size === 0) return;
    const pending = this.#writing.get(page);
    if (pending?.content === content) pending.content = Uint8Array.from(content);
  }

  #noteDirty(page: number): void {
    this.#dirty.add(page);
    this.#clean.delete(page);
    setBit(this.#directories, page);
  }

  /** Drops the longest loaded pages that the file holds, until at most `keep` of them are left. */
  #evict(keep: number): void {
    for (const page of this.#clean) {
      if (this.#clean.size <= keep) return;
      this.#clean.delete(page);
      this.#pages.delete(page);
    }
  }
}

/** The content of a page, and what is wrong with it. */
function openPage(
  stored: Uint8Array,
  positionBytes: number,
): { content: Uint8Array; fault: string | undefined } {
  const { content, empty, damaged } = openBlock(stored, positionBytes);
  if (empty.length > 0 || damaged.length > 0) return { content, fault: 'is damaged' };
  return { content, fault: isValidPage(content) ? undefined : 'has no valid marks' };
}

function hasBit(directories: ReadonlyMap<number, Uint8Array>, page: number): boolean {
  const bits = directories.get(Math.floor(page / pagesPerDirectory));
  if (bits === undefined) return false;
  const index = page % pagesPerDirectory;
  return ((must(bits[index >> 3], 'a byte of the directory') >> (index & 7)) & 1) === 1;
}

/** Sets the bit of a page; answers whether it was clear before. */
function setBit(directories: Map<number, Uint8Array>, page: number): boolean {
  if (hasBit(directories, page)) return false;
  const group = Math.floor(page / pagesPerDirectory);
  const bits = directories.get(group) ?? new Uint8Array(directoryBytes);
  directories.set(group, bits);
  const index = page % pagesPerDirectory;
  bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
  return true;
}

function clearBit(directories: Map<number, Uint8Array>, page: number): void {
  const bits = directories.get(Math.floor(page / pagesPerDirectory));
  const index = page % pagesPerDirectory;
  if (bits !== undefined) bits[index >> 3] = (bits[index >> 3] ?? 0) & ~(1 << (index & 7));
}
