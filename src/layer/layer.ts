import { join } from 'node:path';
import { OperatingError } from '../base/errors.ts';
import type { FilePool, PooledFile } from './file-pool.ts';
import { GroupCommit } from './group-commit.ts';
import type { LayerRecord } from './layer-record.ts';
import { formatLayerRecord, recordFile } from './layer-record.ts';
import { pageSectors } from './map-page.ts';
import type { SectorKind } from './sector.ts';
import { data, sectorBytes } from './sector.ts';
import { SectorMap } from './sector-map.ts';

/** Changed map pages that a layer keeps in memory before it flushes by itself: 16 MiB. */
const dirtyPagesMax = 4096;

/**
 * One layer: its data file, its map, and the order in which they become durable.
 *
 * Invariants:
 * - Whole sectors are written, and marked only after their bytes are in the file.
 * - A flush syncs the data before it writes the marks of that data, so a mark on disk always has its
 *   data, whatever happens in between.
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
  #failure: OperatingError | undefined;
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

  /** Fills `target` from data that this layer holds. */
  async read(offsetBytes: number, target: Uint8Array): Promise<void> {
    const count = await this.#data.read(target, offsetBytes);
    if (count === target.byteLength) return;
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
   * Gives back the end of the data file that no mark refers to. The caller sees to it that nothing is
   * written meanwhile beyond `endSector`, that no mark is there, and that this is durable.
   */
  async truncate(endSector: number): Promise<void> {
    const endBytes = endSector * sectorBytes;
    if ((await this.#data.sizeBytes()) > endBytes) await this.#data.truncate(endBytes);
  }

  /** The sector behind the last one that has data here. */
  async dataEnd(): Promise<number> {
    await this.#map.open();
    for (const page of [...this.#map.presentPages()].reverse()) {
      const content = await this.#map.readPage(page);
      const last = content?.findLastIndex((byte) => (byte & 0b01010101) !== 0) ?? -1;
      if (content === undefined || last < 0) continue;
      const bits = content[last] ?? 0;
      let part = 3;
      while (((bits >> (part * 2)) & 3) !== data) part -= 1;
      return page * pageSectors + last * 4 + part + 1;
    }
    return 0;
  }

  /** Replaces `layer.json` durably. */
  async rewrite(change: Partial<LayerRecord>): Promise<void> {
    const record = { ...this.#record, ...change };
    await this.#pool.operations.writeDurably(
      join(this.#folder, recordFile),
      formatLayerRecord(record),
    );
    this.#record = record;
  }

  /**
   * Goes over to other files of the same content, durably, and removes the old ones. The layer is
   * frozen and flushed; the new files are durable. Reads that are under way end on the old files.
   */
  async replaceFiles(change: Pick<LayerRecord, 'dataFile' | 'mapFile' | 'parent'>): Promise<void> {
    await this.rewrite(change);
    const old = [this.#data, this.#mapFile];
    this.#data = this.#pool.file(join(this.#folder, change.dataFile));
    this.#mapFile = this.#pool.file(join(this.#folder, change.mapFile));
    this.#map = new SectorMap(this.#mapFile);
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
