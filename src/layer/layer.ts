import { join } from 'node:path';
import { MiB } from '../base/bytes.ts';
import { OperatingError, fromSystemError } from '../base/errors.ts';
import { DataFile } from './data-file.ts';
import type { OnBytes } from './direct-reads.ts';
import type { MemoryRange } from '../base/memory-range.ts';
import { Serial } from '../base/serial.ts';
import type { Reading } from './file-operations.ts';
import type { FilePool, PooledFile } from './file-pool.ts';
import type { LayerFiles } from './layer-space.ts';
import { LayerSpace } from './layer-space.ts';
import { GroupCommit } from './group-commit.ts';
import type { LayerRecord } from './layer-record.ts';
import { formatLayerRecord, recordFile } from './layer-record.ts';
import { MarkLog } from './mark-log.ts';
import type { LoggedMark } from './mark-log-format.ts';
import { pageSectors } from './map-page.ts';
import type { SectorRange } from './range-set.ts';
import type { SectorKind } from './sector.ts';
import { data, sectorBytes } from './sector.ts';
import { SectorMap } from './sector-map.ts';
import { WriteBack } from './write-back.ts';

/** What a layer has that is not durable when a writer waits; at half of it a flush begins. */
export interface LayerLimits {
  /** What the changes of its map take in memory. */
  readonly changedBytes: number;
  /** What its log of marks takes. */
  readonly logBytes: number;
}

/** The log: a million marks, which are read in a second. */
const usualLimits: LayerLimits = { changedBytes: 16 * MiB, logBytes: 16 * MiB };

export interface LayerOptions {
  /** True when no earlier process can have written to the layer. */
  readonly isNew?: boolean;
  readonly limits?: LayerLimits | undefined;
}

/**
 * One layer: its data file, its map, and the order in which they become durable.
 *
 * Invariants:
 * - Whole sectors are written, and marked only after their bytes are in the file.
 * - A flush syncs the data before it writes the marks of that data, so a mark on disk always has
 *   its data, whatever happens in between.
 * - A mark is in the log before it counts, so the death of the process takes none (`MarkLog`).
 * - Space is given back only where the durable map says that there is no data (`LayerSpace`).
 * - After a failed flush the layer changes no more: what the kernel dropped cannot be told apart
 *   from what it kept. Reads go on.
 */
export class Layer {
  readonly #folder: string;
  readonly #pool: FilePool;
  #record: LayerRecord;
  #data: DataFile;
  #mapFile: PooledFile;
  #map: SectorMap;
  readonly #log: MarkLog;
  #hasUnsyncedData = false;
  /** False until a flush has made durable what an earlier process may have written. */
  #isInheritanceDurable: boolean;
  /** What of the data file is not needed any more, and how it goes back to the host. */
  readonly space: LayerSpace;
  /** Writing to the disk what no sync has asked for yet. */
  readonly writeBack: WriteBack;
  #failure: OperatingError | undefined;
  readonly #limits: LayerLimits;
  #isFlushingAhead = false;
  #isRecordInDoubt = false;
  readonly #rewriting = new Serial();
  readonly #flush = new GroupCommit(() => this.#flushNow());

  /** A layer that is not new may have writes of an earlier process that were never synced. */
  constructor(folder: string, record: LayerRecord, pool: FilePool, options: LayerOptions = {}) {
    this.#isInheritanceDurable = options.isNew === true;
    this.#limits = options.limits ?? usualLimits;
    this.#log = new MarkLog(pool, folder);
    this.#folder = folder;
    this.#record = record;
    this.#pool = pool;
    this.#data = new DataFile(pool, folder, record.dataFile);
    this.#mapFile = pool.file(join(folder, record.mapFile));
    this.#map = new SectorMap(this.#mapFile);
    const files = (): LayerFiles => ({ data: this.#data, map: this.#map });
    this.space = new LayerSpace(files, pool.holes);
    this.writeBack = new WriteBack(() => this.#data.beginWriting());
  }

  get id(): string {
    return this.#record.id;
  }

  get folder(): string {
    return this.#folder;
  }

  get record(): LayerRecord {
    return this.#record;
  }

  get map(): SectorMap {
    return this.#map;
  }

  /** Set when a flush has failed: the layer takes no more changes. */
  get failure(): OperatingError | undefined {
    return this.#failure ?? this.#log.failure;
  }

  /** True when `layer.json` may differ from `record`: a rewrite has failed, or is under way. */
  get isRecordInDoubt(): boolean {
    return this.#isRecordInDoubt;
  }

  /** Fills `target` from data that this layer holds, or held when the call began. */
  async read(offsetBytes: number, target: Uint8Array): Promise<void> {
    const { cuts } = this.space;
    const count = await this.#data.read(target, offsetBytes);
    if (count === target.byteLength) return;
    if (cuts !== this.space.cuts) {
      // The sectors were freed meanwhile, and read as zeros now.
      target.fill(0, count);
      return;
    }
    throw new OperatingError(
      'corrupt',
      `Layer ${this.id} ends before byte ${offsetBytes + target.byteLength}, which it should hold.`,
    );
  }

  /** What the layer says of the sectors of a page; undefined for nothing. Not to be changed. */
  readPage(page: number): Promise<Uint8Array | undefined> {
    return this.#map.readPage(page);
  }

  /** True when it is known without a wait that the layer says nothing about a page. */
  isSilent(page: number): boolean {
    return this.#map.isOpen && !this.#map.hasPage(page);
  }

  /** Writes whole sectors. They count only once they are marked. */
  async write(offsetBytes: number, content: Uint8Array): Promise<void> {
    this.assertSound();
    await this.#data.write(content, offsetBytes);
    this.#noteWritten(content.byteLength);
  }

  /** Reads what takes no wait (`OpenFile.readNow`). */
  readNow(offsetBytes: number, target: Uint8Array, onEnd?: OnBytes): Reading {
    return this.#data.readNow(target, offsetBytes, onEnd);
  }

  /** Where a range that this layer holds is, if memory has all of it (`OpenFile.locate`). */
  locate(offsetBytes: number, lengthBytes: number): MemoryRange | undefined {
    return this.#data.locate(offsetBytes, lengthBytes);
  }

  /** Writes if that takes no wait, and answers whether it did; false if `markNow` could not be. */
  writeNow(offsetBytes: number, content: Uint8Array): boolean {
    if (this.failure !== undefined || this.isFull) return false;
    const firstPage = pageOf(offsetBytes / sectorBytes);
    const lastPage = pageOf((offsetBytes + content.byteLength - 1) / sectorBytes);
    if (!this.#map.prepareNow(firstPage, lastPage)) return false;
    if (!this.#data.writeNow(content, offsetBytes)) return false;
    this.#noteWritten(content.byteLength);
    return true;
  }

  /** Brings the map pages of these sectors into memory; undefined when they are there. */
  loadMap(firstSector: number, endSector: number): Promise<void> | undefined {
    return this.#map.load(pageOf(firstSector), pageOf(endSector - 1));
  }

  /**
   * Marks sectors, once that is in the log; nobody else marks them meanwhile. `onMarked` runs in
   * the same turn. When it rejects, nothing is marked.
   */
  async mark(
    firstSector: number,
    endSector: number,
    kind: SectorKind,
    onMarked?: () => void,
  ): Promise<void> {
    let logged: number | undefined;
    for (;;) {
      const preparing = this.#prepare(firstSector, endSector, kind);
      if (preparing !== undefined) {
        await preparing;
        continue;
      }
      this.assertSound();
      // A flush that began meanwhile has taken the changes without this mark, and empties its log.
      if (!this.#log.isOn || logged === this.#log.generation) break;
      if (this.#map.isAll(firstSector, endSector, kind)) break;
      logged = await this.#log.append({ first: firstSector, end: endSector, kind });
    }
    this.#set(firstSector, endSector, kind);
    onMarked?.();
    this.#flushAhead();
  }

  /**
   * Marks sectors as data at once; the log is written to once for all. False when that takes a
   * wait: nothing is marked then, and `mark` is to be called.
   */
  markNow(ranges: readonly SectorRange[]): boolean {
    const marks: LoggedMark[] = [];
    for (const { first, end } of ranges) {
      if (!this.#map.isReady(pageOf(first), pageOf(end - 1))) return false;
      if (!this.#map.isAll(first, end, data)) marks.push({ first, end, kind: data });
    }
    if (marks.length === 0) return true;
    if (this.#log.isOn && !this.#log.appendNow(marks)) return false;
    for (const { first, end } of marks) this.#map.set(first, end, data);
    this.#flushAhead();
    return true;
  }

  /** True when so much is not durable that a writer is to wait for `makeRoom` before it goes on. */
  get isFull(): boolean {
    return this.#fill > 1;
  }

  /** Resolves when the layer is not full any more, after flushes if it must. */
  async makeRoom(): Promise<void> {
    while (this.isFull) await (this.#flush.running ?? this.flush());
  }

  /** Makes durable what was written and marked before; calls that overlap share one sync. */
  async flush(): Promise<void> {
    this.assertSound();
    await this.#flush.run();
  }

  /** Throws `io` when a flush has failed before. */
  assertSound(): void {
    const { failure } = this;
    if (failure !== undefined) throw failure;
  }

  /** True when an earlier process of this boot has written to the layer and has not closed it. */
  async hasLog(): Promise<boolean> {
    return (await this.#log.read()).length > 0;
  }

  /**
   * Takes over what an earlier process has marked and not made durable, and makes it durable; the
   * log is gone then. Before anything else is done with the layer. When its flush fails, the layer
   * has failed as it would have in that process. Rejects when the log cannot be removed.
   */
  async replayLog(): Promise<void> {
    let isEmpty = true;
    try {
      for (const { marks } of await this.#log.read()) {
        for (const { first, end, kind } of marks) {
          for (let wait = this.#prepare(first, end, kind); wait !== undefined;) {
            await wait;
            wait = this.#prepare(first, end, kind);
          }
          this.#set(first, end, kind);
          isEmpty = false;
          if (this.isFull) await this.flush();
        }
      }
      // The file may say all of it already, and not durably.
      if (!isEmpty) await this.flush();
    } catch (error) {
      this.#failure ??= this.#failed(error);
    }
    await this.dropLog();
  }

  /** Forgets what only the log has. */
  async dropLog(): Promise<void> {
    await this.#flush.ended();
    await this.#log.discard();
  }

  /** Gives the data file a second name in another layer's folder, which is to be synced then. */
  async linkData(folder: string, name: string): Promise<void> {
    try {
      await this.#data.link(folder, name);
    } catch (error) {
      throw fromSystemError(error, `Linking the data of layer ${this.id}`);
    }
  }

  /**
   * Takes the layer as its files are, after a failed flush: it takes changes again. What was not
   * durable may be gone; who keeps owner maps of its marks builds them anew.
   */
  async recover(): Promise<void> {
    await this.dropLog();
    await this.#map.revert();
    this.space.clear();
    this.#hasUnsyncedData = true;
    this.#failure = undefined;
  }

  /** Replaces `layer.json` durably. */
  rewrite(change: Partial<LayerRecord>): Promise<void> {
    return this.#rewriting.run(async () => {
      const record = { ...this.#record, ...change };
      const path = join(this.#folder, recordFile);
      this.#isRecordInDoubt = true;
      try {
        await this.#pool.operations.writeDurably(path, formatLayerRecord(record));
      } catch (error) {
        throw fromSystemError(error, `Writing ${path}`);
      }
      this.#record = record;
      this.#isRecordInDoubt = false;
    });
  }

  /**
   * Goes over to other files, durably, and removes the old ones. The layer is frozen and flushed,
   * and the new files are durable. `onSwitch` runs in the same turn in which the new files begin to
   * count; reads that are under way end on the old ones.
   */
  async replaceFiles(
    change: Pick<LayerRecord, 'dataFile' | 'mapFile' | 'parent'>,
    onSwitch: () => void,
  ): Promise<void> {
    await this.dropLog();
    await this.rewrite(change);
    const [oldData, oldMap] = [this.#data, this.#mapFile];
    this.#data = new DataFile(this.#pool, this.#folder, change.dataFile);
    this.#mapFile = this.#pool.file(join(this.#folder, change.mapFile));
    this.#map = new SectorMap(this.#mapFile);
    this.space.clear();
    onSwitch();
    await oldData.remove();
    await oldMap.retire();
    await this.#pool.operations.remove(oldMap.path);
  }

  /** Closes the files of a flushed layer and gives up memory; a later call opens them again. */
  async close(): Promise<void> {
    await this.dropLog();
    this.#map.shrink();
    await this.#data.close();
    await this.#mapFile.close();
  }

  /** Closes the files for good: nothing is called afterwards. */
  async retire(): Promise<void> {
    await this.#flush.ended();
    await this.space.end();
    await this.#data.retire();
    await this.#mapFile.retire();
    await this.#log.retire();
  }

  #noteWritten(bytes: number): void {
    this.#hasUnsyncedData = true;
    this.writeBack.note(bytes);
  }

  /** Sees to it that sectors can be marked; undefined when they can. */
  #prepare(firstSector: number, endSector: number, kind: SectorKind): Promise<void> | undefined {
    // What is freed is told by whole pages (`LayerSpace.noteFreed`).
    if (kind !== data) return this.loadMap(firstSector, endSector);
    return this.#map.prepare(pageOf(firstSector), pageOf(endSector - 1));
  }

  #set(firstSector: number, endSector: number, kind: SectorKind): void {
    if (kind !== data) this.space.noteFreed(firstSector, endSector);
    this.#map.set(firstSector, endSector, kind);
  }

  /** Of the limit that is nearer, how much is reached; more than 1 is too much. */
  get #fill(): number {
    const { changedBytes, logBytes } = this.#limits;
    return Math.max(this.#map.changedBytes / changedBytes, this.#log.sizeBytes / logBytes);
  }

  /** Begins a flush in the background when half of a limit is reached, so that few have to wait. */
  #flushAhead(): void {
    if (this.#isFlushingAhead || this.#fill <= 0.5 || this.failure !== undefined) return;
    this.#isFlushingAhead = true;
    this.#flush
      .run()
      // Whoever changes the layer next, or flushes it, is told.
      .catch((error: unknown) => this.space.report(error))
      .finally(() => {
        this.#isFlushingAhead = false;
      });
  }

  async #flushNow(): Promise<void> {
    this.assertSound();
    const pending = this.#map.take();
    const logged = this.#log.take();
    this.space.take();
    const syncData = this.#hasUnsyncedData;
    this.#hasUnsyncedData = false;
    this.writeBack.noteSync();
    try {
      if (!this.#isInheritanceDurable) {
        await this.#data.datasyncAll();
        await this.#mapFile.datasync();
      } else if (syncData) await this.#data.datasync();
      await this.#map.write(pending);
      this.#isInheritanceDurable = true;
      if (logged !== undefined) await this.#log.empty(logged);
      this.space.settle();
    } catch (error) {
      this.#failure = this.#failed(error);
      // Its marks may have lost their data, and must not be believed again.
      await this.#log.discard().catch((failure: unknown) => this.space.report(failure));
      throw this.#failure;
    }
  }

  #failed(cause: unknown): OperatingError {
    return new OperatingError(
      'io',
      `A flush of layer ${this.id} has failed; it takes no more changes until it is opened anew.`,
      { cause },
    );
  }
}

/** The map page that describes a sector. */
function pageOf(sector: number): number {
  return Math.floor(sector / pageSectors);
}
