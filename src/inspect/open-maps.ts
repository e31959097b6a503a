import { join } from 'node:path';
import { isOperatingError } from '../base/errors.ts';
import type { FilePool } from '../layer/file-pool.ts';
import type { Inventory } from './inventory.ts';
import { recordOf } from './inventory.ts';
import { MapReader } from './map-reader.ts';

/** Directories of maps that are kept in memory; each has 4 KiB for 2 TiB that hold anything. */
const mapsMax = 1024;

/** The maps of a folder, opened when they are needed. */
export class OpenMaps {
  readonly #inventory: Inventory;
  readonly #pool: FilePool;
  readonly #maps = new Map<string, Promise<MapReader | undefined>>();

  constructor(inventory: Inventory, pool: FilePool) {
    this.#inventory = inventory;
    this.#pool = pool;
  }

  /** The map of a layer; undefined when there is no readable record, or no file. */
  async read(layerId: string): Promise<MapReader | undefined> {
    let map = this.#maps.get(layerId);
    if (map === undefined) {
      map = this.#open(layerId);
      this.#maps.set(layerId, map);
      if (this.#maps.size > mapsMax) await this.#closeOldest();
    }
    return map;
  }

  async close(): Promise<void> {
    while (this.#maps.size > 0) await this.#closeOldest();
  }

  async #closeOldest(): Promise<void> {
    for (const [layerId, map] of this.#maps) {
      this.#maps.delete(layerId);
      await (await map)?.close();
      return;
    }
  }

  async #open(layerId: string): Promise<MapReader | undefined> {
    const entry = this.#inventory.layers.get(layerId);
    const record = recordOf(entry);
    if (entry === undefined || record === undefined) return undefined;
    if (!entry.names.includes(record.mapFile)) return undefined;
    try {
      const path = join(this.#inventory.folder, entry.path, record.mapFile);
      return await MapReader.open(this.#pool.file(path));
    } catch (error) {
      if (isOperatingError(error, 'not_found')) return undefined;
      throw error;
    }
  }
}
