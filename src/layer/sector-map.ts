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
import { MapChanges } from './map-changes.ts';
import { isAll, isValidPage, pageBytes, pageSectors, setKinds } from './map-page.ts';
import { openBlock, sealBlock, storedBytes } from './sealed-block.ts';
import type { SectorKind } from './sector.ts';
import { absent } from './sector.ts';

/** What pages are read into, to be used again: whoever reads many would leave as many behind. */
const spareBlocks: Uint8Array[] = [];
const spareBlocksMax = 16;

/** What pages are read into that take no wait. */
const readNowBlock = new Uint8Array(storedBytes);

/** Pages that are written at the same time: 128 KiB of the file. */
const pagesAtOnce = 16;

/** Pages kept in memory whole; each describes 64 MiB of the volume. */
const wholePagesUsual = 256;

/** Changes of a map on their way to the file, as they were at one instant. */
export type PendingMap = MapChanges;

/**
 * The map of one layer: two bits a sector, in pages that are read when they are needed.
 *
 * What counts is the file, with the changes on top that are on their way to it, and those since.
 *
 * Invariants:
 * - A change is in memory until the file holds it durably; the page that it changes need not be.
 * - A page in memory shows all changes.
 * - A page of the file is changed only after it has proved itself, so damage is found by whoever
 *   changes it.
 * - A page whose bit in the directory is clear was never written: all its sectors are absent.
 * - The file changes only in `write`, with what `take` found before. So whoever syncs the data
 *   between the two marks only what is there.
 * - In the file, a page is durable before its bit is written. So a bit without its page is damage,
 *   and so is a part of a block that does not prove itself; neither is ever read as marks.
 */
export class SectorMap {
  readonly #file: PooledFile;
  readonly #wholePagesMax: number;
  /** Whole pages, the longest loaded first. */
  readonly #pages = new Map<number, Uint8Array>();
  readonly #loading = new Map<number, Promise<void>>();
  /** What has changed since `take`. */
  #changed = new MapChanges();
  /** What was taken, until the file holds it durably. */
  #writing = new MapChanges();
  /** Pages of which a failed write has left unknown what is durable. */
  readonly #doubtful = new Set<number>();
  /** For each page that is being read, the changes that the file has come to hold meanwhile. */
  readonly #reads = new Set<MapChanges[]>();
  /** Grows when pages begin and end to be written; odd in between. */
  #writeSteps = 0;
  /** By group of pages: a bit for each page that the file, or memory, has. */
  readonly #directories = new Map<number, Uint8Array>();
  /** The same of the file alone. */
  readonly #written = new Map<number, Uint8Array>();
  #opening: Promise<void> | undefined;
  #opened = false;
  #isEvicting = false;

  /** Keeps at most so many pages in memory whole, beyond one turn of the event loop. */
  constructor(file: PooledFile, wholePagesMax = wholePagesUsual) {
    this.#file = file;
    this.#wholePagesMax = wholePagesMax;
  }

  /** Reads the header and the directories, once. Rejects with `corrupt`. */
  open(): Promise<void> | undefined {
    if (this.#opened) return undefined;
    this.#opening ??= this.#openNow().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** About what the changes take in memory that are not durable. */
  get changedBytes(): number {
    return this.#changed.sizeBytes + this.#writing.sizeBytes;
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
    return this.#pages.get(page) ?? this.#readPage(page);
  }

  /** The page in memory, if it is there; as long as it is, it shows every later change. */
  cachedPage(page: number): Uint8Array | undefined {
    return this.#pages.get(page);
  }

  /** Brings whole pages into memory; undefined when they are there. */
  load(firstPage: number, lastPage: number): Promise<void> | undefined {
    return this.isLoaded(firstPage, lastPage) ? undefined : this.#loadAll(firstPage, lastPage);
  }

  /** True when these pages are in memory, whole. */
  isLoaded(firstPage: number, lastPage: number): boolean {
    for (let page = firstPage; page <= lastPage; page += 1) {
      if (!this.#pages.has(page)) return false;
    }
    return true;
  }

  /** Sees to it that `set` may be called for these pages; undefined when it may. */
  prepare(firstPage: number, lastPage: number): Promise<void> | undefined {
    return this.isReady(firstPage, lastPage) ? undefined : this.#prepareAll(firstPage, lastPage);
  }

  /** True when `set` may be called for these pages; of those in the file, all proved themselves. */
  isReady(firstPage: number, lastPage: number): boolean {
    for (let page = firstPage; page <= lastPage; page += 1) {
      if (!this.#isReady(page)) return false;
    }
    return true;
  }

  /** Like `prepare`, if that takes no wait; true when `set` may be called. */
  prepareNow(firstPage: number, lastPage: number): boolean {
    if (!this.#opened) return false;
    for (let page = firstPage; page <= lastPage; page += 1) {
      if (!this.#isReady(page) && !this.#loadPageNow(page)) return false;
    }
    return true;
  }

  /**
   * True when it is known without a wait that all these sectors are of this kind, which it is of
   * all that are in loaded pages.
   */
  isAll(first: number, end: number, kind: SectorKind): boolean {
    for (let sector = first; sector < end;) {
      const page = Math.floor(sector / pageSectors);
      const from = sector - page * pageSectors;
      const to = Math.min(pageSectors, from + end - sector);
      if (!this.#isAll(page, from, to, kind)) return false;
      sector += to - from;
    }
    return true;
  }

  /** Marks the sectors from `first` to before `end`, for which `isReady` holds. */
  set(first: number, end: number, kind: SectorKind): void {
    for (let sector = first; sector < end;) {
      const page = Math.floor(sector / pageSectors);
      const from = sector - page * pageSectors;
      const to = Math.min(pageSectors, from + end - sector);
      assert(this.#isReady(page), 'a page proves itself before it is marked');
      if (!this.#isAll(page, from, to, kind)) {
        const whole = this.#pages.get(page);
        if (whole !== undefined) setKinds(whole, from, to, kind);
        this.#changed.set(page, from, to, kind);
        setBit(this.#directories, page);
      }
      sector += to - from;
    }
  }

  /** Takes the marks of a whole page, which are valid. */
  put(page: number, content: Uint8Array): void {
    this.#pages.get(page)?.set(content);
    this.#changed.put(page, content);
    setBit(this.#directories, page);
  }

  /** What is not in the file yet, as it is; then `write` is called, or nothing flushed again. */
  take(): PendingMap {
    assert(this.#writing.isEmpty, 'what was taken before is in the file');
    this.#writing = this.#changed;
    this.#changed = new MapChanges();
    return this.#writing;
  }

  /** Writes what was taken into the file, durably. After a failure nothing more may be written. */
  async write(pending: PendingMap): Promise<void> {
    if (pending.isEmpty) return;
    const pages = [...pending.pages()];
    await this.#writePages(pages, pending);
    await this.#file.datasync();
    await this.#writeDirectories(pages);
    for (const passed of this.#reads) passed.push(pending);
    this.#writing = new MapChanges();
  }

  /**
   * Forgets all that memory has beyond the file, after a write that has failed. Of the pages of
   * that write nobody knows which are durable, whatever the file shows now: the next one has them
   * again.
   */
  async revert(): Promise<void> {
    for (const page of this.#writing.pages()) this.#doubtful.add(page);
    this.#pages.clear();
    this.#changed = new MapChanges();
    this.#writing = new MapChanges();
    this.#directories.clear();
    this.#written.clear();
    this.#opened = false;
    await this.open();
    for (const page of this.#doubtful) {
      if (!this.hasPage(page)) continue;
      this.put(page, await this.#readFromFile(page));
      clearBit(this.#written, page);
    }
    this.#doubtful.clear();
  }

  /** Gives up the memory of all whole pages. */
  shrink(): void {
    this.#evict(0);
  }

  /** Several at once, neighbours together; then others get a turn of the event loop. */
  async #writePages(pages: readonly number[], pending: PendingMap): Promise<void> {
    const count = Math.min(pagesAtOnce, pages.length);
    const [plain, memory] = [
      new Uint8Array(count * pageBytes),
      new Uint8Array(count * storedBytes),
    ];
    for (let first = 0; first < pages.length; first += pagesAtOnce) {
      if (first > 0) await nextTurn();
      const some = pages.slice(first, first + pagesAtOnce);
      const contents = await Promise.all(
        some.map((page, index) => {
          const target = plain.subarray(index * pageBytes, (index + 1) * pageBytes);
          return this.#contentOf(page, pending, target);
        }),
      );
      const writes: Promise<void>[] = [];
      this.#writeSteps += 1;
      let from = 0;
      for (const [index, content] of contents.entries()) {
        const position = pageAt(must(some[index], 'a page for each content'));
        sealBlock(content, position, memory.subarray(index * storedBytes));
        const next = some[index + 1];
        if (next !== undefined && pageAt(next) === position + storedBytes) continue;
        const run = memory.subarray(from, (index + 1) * storedBytes);
        writes.push(this.#file.write(run, position + storedBytes - run.byteLength));
        from = (index + 1) * storedBytes;
      }
      await settleAll(writes).finally(() => {
        this.#writeSteps += 1;
      });
    }
  }

  /** A page as it was when `pending` was taken, in `target` if it need not be read. */
  async #contentOf(page: number, pending: PendingMap, target: Uint8Array): Promise<Uint8Array> {
    const whole = this.#changed.has(page) ? undefined : this.#pages.get(page);
    if (whole !== undefined) {
      target.set(whole);
      return target;
    }
    const content = hasBit(this.#written, page)
      ? (this.#readFromFileNow(page) ?? (await this.#readFromFile(page)))
      : target.fill(0);
    pending.applyTo(page, content);
    return content;
  }

  /** Notes in the file that these pages, which are durable, are there; mostly they were before. */
  async #writeDirectories(pages: readonly number[]): Promise<void> {
    const groups = new Set<number>();
    for (const page of pages) {
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
      if (!this.#pages.has(page)) await this.#loadPage(page);
    }
  }

  async #prepareAll(firstPage: number, lastPage: number): Promise<void> {
    await this.open();
    for (let page = firstPage; page <= lastPage; page += 1) {
      if (!this.#isReady(page)) await this.#loadPage(page);
    }
  }

  #isReady(page: number): boolean {
    if (this.#pages.has(page) || this.#changed.has(page) || this.#writing.has(page)) return true;
    return this.#opened && !this.hasPage(page);
  }

  #isAll(page: number, from: number, to: number, kind: SectorKind): boolean {
    const whole = this.#pages.get(page);
    if (whole !== undefined) return isAll(whole, from, to, kind);
    if (!this.hasPage(page)) return kind === absent;
    return this.#changed.isAll(page, from, to, kind);
  }

  #loadPage(page: number): Promise<void> {
    let loading = this.#loading.get(page);
    if (loading === undefined) {
      const keep = (content: Uint8Array): void => this.#keep(page, content);
      loading = this.#readPage(page, keep).then(() => undefined);
      loading = loading.finally(() => this.#loading.delete(page));
      this.#loading.set(page, loading);
    }
    return loading;
  }

  /** Brings a page that the file has and nothing changes into memory, if that takes no wait. */
  #loadPageNow(page: number): boolean {
    if (this.#loading.has(page) || !hasBit(this.#written, page)) return false;
    const content = this.#readFromFileNow(page);
    if (content === undefined) return false;
    this.#keep(page, content);
    return true;
  }

  #keep(page: number, content: Uint8Array): void {
    assert(!this.#pages.has(page), 'a page is loaded once');
    this.#pages.set(page, content);
    if (this.#pages.size > this.#wholePagesMax) this.#evictLater();
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
      this.#evict(this.#wholePagesMax);
    });
  }

  /** The page as it is when it has been read; `onRead` runs in that turn. */
  async #readPage(page: number, onRead?: (content: Uint8Array) => void): Promise<Uint8Array> {
    const passed: MapChanges[] = [];
    this.#reads.add(passed);
    try {
      const content = await this.#readFromFile(page);
      // The file may have been read before it came to hold what it holds now.
      for (const changes of [...passed, this.#writing, this.#changed]) {
        changes.applyTo(page, content);
      }
      onRead?.(content);
      return content;
    } finally {
      this.#reads.delete(passed);
    }
  }

  /** What the file says of a page; it may be that of before or after what is being written. */
  async #readFromFile(page: number): Promise<Uint8Array> {
    if (!hasBit(this.#written, page)) return new Uint8Array(pageBytes);
    const position = pageAt(page);
    for (;;) {
      const steps = this.#writeSteps;
      const stored = spareBlocks.pop() ?? new Uint8Array(storedBytes);
      const count = await this.#file.read(stored, position);
      const { content, fault } = openPage(stored.fill(0, count), position);
      if (spareBlocks.length < spareBlocksMax) spareBlocks.push(stored);
      if (fault === undefined) return content;
      // What is read while it is written may be half the old and half the new.
      if (steps === this.#writeSteps && steps % 2 === 0) {
        throw new OperatingError('corrupt', `Page ${page} of ${this.#file.path} ${fault}.`);
      }
      await nextTurn();
    }
  }

  /** The same, if it takes no wait and the page is sound: what is wrong, the ordinary way says. */
  #readFromFileNow(page: number): Uint8Array | undefined {
    if (this.#file.readNow(readNowBlock, pageAt(page)) !== 'done') return undefined;
    const { content, fault } = openPage(readNowBlock, pageAt(page));
    return fault === undefined ? content : undefined;
  }

  /** Drops the longest loaded pages, until at most `keep` of them are left. */
  #evict(keep: number): void {
    for (const page of this.#pages.keys()) {
      if (this.#pages.size <= keep) return;
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
