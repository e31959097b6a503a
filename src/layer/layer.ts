import { join } from 'node:path';
import { OperatingError, fromSystemError } from '../base/errors.ts';
import type { FilePool, PooledFile } from './file-pool.ts';
import { GroupCommit } from './group-commit.ts';
import type { LayerRecord } from './layer-record.ts';
import { formatLayerRecord, recordFile } from './layer-record.ts';
import { dataEndOf, pageSectors } from './map-page.ts';
import type { SectorKind } from './sector.ts';
import { sectorBytes } from './sector.ts';
import { SectorMap } from './sector-map.ts';
import { Serial } from './serial.ts';

/** Changed map pages that a layer keeps in memory before it flushes by itself: 16 MiB. */
const dirtyPagesMax = 4096;

/**
 * One layer: its data file, its map, and the order in which they become durable.
 *
 * Invariants:
 * - Whole sectors are written, and marked only after their bytes are in the file.
 * - A flush syncs the data before it writes the marks of that data, so a mark on disk always has
 *   its data, whatever happens in between.
 * - After a failed flush the layer changes no more: what the kernel dropped cannot be told apart
 *   from what it kept. Reads go on.
 */
export class Layer {
  readonly #folder: string;
  readonly #pool: FilePool;
  #record: LayerRecord;
  #data: PooledFile;
  #mapFile: PooledFile;
  #map: SectorMap;
  #hasUnsyncedData = false;
  /** How often the data file was cut. */
  #cuts = 0;
  #failure: OperatingError | undefined;
  #isRecordInDoubt = false;
  readonly #rewriting = new Serial();
  readonly #flush = new GroupCommit(() => this.#flushNow());

  constructor(folder: string, record: LayerRecord, pool: FilePool) {
    this.#folder = folder;
    this.#record = record;
    this.#pool = pool;
    this.#data = pool.file(join(folder, record.dataFile));
    this.#mapFile = pool.file(join(folder, record.mapFile));
    this.#map = new SectorMap(this.#mapFile);
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
    return this.#failure;
  }

  /** True when `layer.json` may differ from `record`: a rewrite has failed, or is under way. */
  get isRecordInDoubt(): boolean {
    return this.#isRecordInDoubt;
  }

  /** Fills `target` from data that this layer holds, or held when the call began. */
  async read(offsetBytes: number, target: Uint8Array): Promise<void> {
    const cuts = this.#cuts;
    const count = await this.#data.read(target, offsetBytes);
    if (count === target.byteLength) return;
    if (cuts !== this.#cuts) {
      // The sectors were freed meanwhile, and read as zeros now.
      target.fill(0, count);
      return;
    }
    throw new OperatingError(
      'corrupt',
      `Layer ${this.id} ends before byte ${offsetBytes + target.byteLength}, which it should hold.`,
    );
  }

  /** Writes whole sectors. They count only once they are marked. */
  async write(offsetBytes: number, content: Uint8Array): Promise<void> {
    this.assertSound();
    await this.#data.write(content, offsetBytes);
    this.#hasUnsyncedData = true;
  }

  /** Brings the map pages of these sectors into memory; undefined when they are there. */
  loadMap(firstSector: number, endSector: number): Promise<void> | undefined {
    const lastPage = Math.floor((endSector - 1) / pageSectors);
    return this.#map.load(Math.floor(firstSector / pageSectors), lastPage);
  }

  /** Marks sectors whose map pages are loaded. */
  mark(firstSector: number, endSector: number, kind: SectorKind): void {
    this.assertSound();
    this.#map.set(firstSector, endSector, kind);
  }

  /** True when so much of the map waits in memory that a writer should flush before it goes on. */
  get wantsFlush(): boolean {
    return this.#map.dirtyPages > dirtyPagesMax;
  }

  /** Makes durable what was written and marked before; calls that overlap share one sync. */
  async flush(): Promise<void> {
    this.assertSound();
    await this.#flush.run();
  }

  /** Throws `io` when a flush has failed before. */
  assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Gives back the end of the data file that no mark refers to. The caller sees to it that nothing
   * is written meanwhile beyond `endSector`, that no mark is there, and that this is durable.
   */
  async truncate(endSector: number): Promise<void> {
    this.#cuts += 1;
    await this.#data.truncate(endSector * sectorBytes);
  }

  /** The sectors up to the end of the data file. */
  async fileSectors(): Promise<number> {
    return Math.ceil((await this.#data.sizeBytes()) / sectorBytes);
  }

  /** The sector behind the last one that has data here. */
  async dataEnd(): Promise<number> {
    await this.#map.open();
    const endPage = Math.ceil((await this.fileSectors()) / pageSectors);
    for (const page of [...this.#map.presentPages()].toReversed()) {
      const content = page < endPage ? await this.#map.readPage(page) : undefined;
      const end = content === undefined ? 0 : dataEndOf(content);
      if (end > 0) return page * pageSectors + end;
    }
    return 0;
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
    await this.rewrite(change);
    const old = [this.#data, this.#mapFile];
    this.#data = this.#pool.file(join(this.#folder, change.dataFile));
    this.#mapFile = this.#pool.file(join(this.#folder, change.mapFile));
    this.#map = new SectorMap(this.#mapFile);
    onSwitch();
    for (const file of old) {
      await file.retire();
      await this.#pool.operations.remove(file.path);
    }
  }

  /** Closes the files and gives up memory; a later call opens them again. */
  async close(): Promise<void> {
    this.#map.shrink();
    await this.#data.close();
    await this.#mapFile.close();
  }

  /** Closes the files for good: nothing is called afterwards. */
  async retire(): Promise<void> {
    await this.#data.retire();
    await this.#mapFile.retire();
  }

  async #flushNow(): Promise<void> {
    this.assertSound();
    const pending = this.#map.take();
    const syncData = this.#hasUnsyncedData;
    this.#hasUnsyncedData = false;
    try {
      if (syncData) await this.#data.datasync();
      await this.#map.write(pending);
    } catch (error) {
      this.#failure = new OperatingError(
        'io',
        `A flush of layer ${this.id} has failed; it takes no more changes until it is opened anew.`,
        { cause: error },
      );
      throw this.#failure;
    }
  }
}
