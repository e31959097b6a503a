import { join } from 'node:path';
import { assert } from '../base/assert.ts';
import { OperatingError, isOperatingError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { BackedLayer } from '../layer/backed-layer.ts';
import type { Backing, BackingSource } from '../layer/backing.ts';
import type { FilePool } from '../layer/file-pool.ts';
import { GroupCommit } from '../layer/group-commit.ts';
import {
  makeLayerFolder,
  readLayerRecord,
  removeLayerFolder,
  sweepLayerFolder,
  syncLayerNames,
} from '../layer/layer-folder.ts';
import type { LayerRecord } from '../layer/layer-record.ts';
import type { LayerLimits } from '../layer/layer.ts';
import { Layer } from '../layer/layer.ts';

/** Records that are read at the same time when a folder is opened. */
const recordsAtOnce = 16;

/** Where no backups are at hand: what is there can be read. */
const noSource: BackingSource = {
  blocks: () => Promise.reject(noBackups()),
  read: () => Promise.reject(noBackups()),
};

function noBackups(): OperatingError {
  return new OperatingError('unavailable', 'No backups are at hand here.');
}

/** All layers of one folder. */
export class LayerShelf {
  readonly folder: string;
  readonly pool: FilePool;
  readonly #source: BackingSource;
  readonly #limits: LayerLimits | undefined;
  readonly #layers = new Map<string, Layer>();
  readonly #damaged = new Map<string, OperatingError>();
  /** Layers of which an earlier process has left a log. */
  readonly #logged = new Set<Layer>();
  /** Layers that got a name, those of earlier processes as one; and how many have it durably. */
  #made = 1;
  #named = 0;
  readonly #naming = new GroupCommit(() => this.#nameNow());

  constructor(folder: string, pool: FilePool, source = noSource, limits?: LayerLimits) {
    this.folder = folder;
    this.pool = pool;
    this.#source = source;
    this.#limits = limits;
  }

  /** Reads the records of the layers with these names. A damaged one does not stop the others. */
  async load(ids: readonly string[]): Promise<void> {
    for (let first = 0; first < ids.length; first += recordsAtOnce) {
      await Promise.all(ids.slice(first, first + recordsAtOnce).map((id) => this.#loadOne(id)));
    }
  }

  /** The layers of which an earlier process has left a log, until `replayLogs`. */
  get logged(): ReadonlySet<Layer> {
    return this.#logged;
  }

  /** Takes over what an earlier process has marked and not made durable. */
  async replayLogs(): Promise<void> {
    for (const layer of this.#logged) await layer.replayLog();
    this.#logged.clear();
  }

  get hasDamage(): boolean {
    return this.#damaged.size > 0;
  }

  all(): IterableIterator<Layer> {
    return this.#layers.values();
  }

  find(id: string): Layer | undefined {
    return this.#layers.get(id);
  }

  /** True when this layer is part of the folder, and not another one by its name. */
  holds(layer: Layer): boolean {
    return this.#layers.get(layer.id) === layer;
  }

  /** The layer. Throws `corrupt` when it is damaged or missing. */
  get(id: string): Layer {
    const layer = this.#layers.get(id);
    if (layer !== undefined) return layer;
    throw this.#damaged.get(id) ?? new OperatingError('corrupt', `Layer ${id} is missing.`);
  }

  /** The layers from the oldest to this one. Throws `corrupt` when one of them is not sound. */
  chainOf(id: string): Layer[] {
    const chain = new Set<Layer>();
    for (let next: string | null = id; next !== null;) {
      const layer = this.get(next);
      if (chain.has(layer)) {
        throw new OperatingError('corrupt', `Layer ${id} lies under itself.`);
      }
      chain.add(layer);
      next = layer.record.parent;
    }
    return [...chain].toReversed();
  }

  /**
   * Makes an empty layer, durably but for its name (`settleNames`). It counts as part of the folder
   * once it is added.
   */
  make(parent: string | null, lengthBytes: number): Promise<Layer> {
    return this.#make({ id: newId(), parent, lengthBytes, dataFile: 'data', mapFile: 'map' });
  }

  /** The same of an oldest layer that shows what a backup holds. */
  makeBacked(backing: Backing, lengthBytes: number): Promise<Layer> {
    const files = { dataFile: 'data', mapFile: 'map' };
    return this.#make({ id: newId(), parent: null, lengthBytes, ...files, backing });
  }

  /** Makes the names of all layers that were made durable. Before a record names one of them. */
  async settleNames(): Promise<void> {
    if (this.#named < this.#made) await this.#naming.run();
  }

  async #make(record: LayerRecord): Promise<Layer> {
    await makeLayerFolder(this.pool.operations, this.folder, record);
    this.#made += 1;
    return this.#layerOf(record, true);
  }

  async #nameNow(): Promise<void> {
    const made = this.#made;
    await syncLayerNames(this.pool.operations, this.folder);
    this.#named = made;
  }

  #layerOf(record: LayerRecord, isNew: boolean): Layer {
    const folder = join(this.folder, record.id);
    const options = { isNew, limits: this.#limits };
    if (record.backing === undefined) return new Layer(folder, record, this.pool, options);
    return new BackedLayer(folder, record, this.pool, { ...options, source: this.#source });
  }

  add(layer: Layer): void {
    assert(!this.#layers.has(layer.id), 'a layer is added once');
    this.#layers.set(layer.id, layer);
  }

  /** Removes a layer that nothing refers to any more. */
  async remove(layer: Layer): Promise<void> {
    await layer.retire();
    await removeLayerFolder(this.pool.operations, this.folder, layer.id);
    this.#layers.delete(layer.id);
  }

  async close(): Promise<void> {
    for (const layer of this.#layers.values()) await layer.close();
  }

  async #loadOne(id: string): Promise<void> {
    const { operations } = this.pool;
    try {
      const record = await readLayerRecord(operations, this.folder, id);
      const hasLog = await sweepLayerFolder(operations, this.folder, record);
      const layer = this.#layerOf(record, false);
      this.#layers.set(id, layer);
      if (hasLog) this.#logged.add(layer);
    } catch (error) {
      if (!isOperatingError(error)) throw error;
      const damage = new OperatingError('corrupt', error.message, { cause: error });
      this.#damaged.set(id, damage);
    }
  }
}
