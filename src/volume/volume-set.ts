import { join } from 'node:path';
import { MiB } from '../base/bytes.ts';
import { temporarySuffix } from '../base/durable-file.ts';
import { OperatingError, isOperatingError } from '../base/errors.ts';
import { isUuid } from '../base/ids.ts';
import type { FileOperations } from '../layer/file-operations.ts';
import type { Layer } from '../layer/layer.ts';
import { Chain } from './chain.ts';
import type { CollectorView } from './collector.ts';
import { recoverLayers } from './layer-recovery.ts';
import { FreezeTimes } from './freeze-times.ts';
import { findNewerHeads } from './newer-heads.ts';
import type { LayerShelf } from './layer-shelf.ts';
import { LiveVolume } from './live-volume.ts';
import { PendingRecords } from './pending-records.ts';
import { OwnerBudget } from './owner-budget.ts';
import { recordSuffix } from './volume-record.ts';
import { VolumeState, readVolumeRecord } from './volume-state.ts';

/** Enough for 16 GiB at least. */
const viewBytesMax = 8 * MiB;

/** All volumes of one folder, the layers under them, and who uses what. */
export class VolumeSet implements CollectorView {
  readonly shelf: LayerShelf;
  /** Records that change together. */
  readonly pending: PendingRecords;
  readonly freezeTimes = new FreezeTimes();
  readonly #folder: string;
  readonly #operations: FileOperations;
  readonly #budget: OwnerBudget;
  /** Views have one of their own: a backup goes through all regions once, and pushes none out. */
  readonly #viewBudget = new OwnerBudget(viewBytesMax);
  readonly #volumes = new Map<string, VolumeState>();
  readonly #damaged = new Map<string, OperatingError>();
  /** The volume that has, or is about to have, a snapshot. */
  readonly #owners = new Map<string, VolumeState>();
  readonly #pins = new Map<string, number>();
  readonly #chains = new Set<Chain>();
  /** Former heads that could not be made durable when the folder was opened. */
  readonly #unsettled = new Set<Layer>();

  constructor(folder: string, shelf: LayerShelf, operations: FileOperations, budget: OwnerBudget) {
    this.#folder = folder;
    this.shelf = shelf;
    this.pending = new PendingRecords(folder, operations);
    this.#operations = operations;
    this.#budget = budget;
  }

  /** Reads all records, and sweeps what a crash left. A damaged record does not stop the others. */
  async load(): Promise<void> {
    await this.#sweep(this.shelf.folder);
    await this.#sweep(this.#folder);
    await this.pending.recover();
    await this.shelf.load((await this.#operations.list(this.shelf.folder)).filter(isUuid));
    for (const name of await this.#operations.list(this.#folder)) {
      if (name.endsWith(recordSuffix)) await this.#loadOne(name.slice(0, -recordSuffix.length));
    }
    const former = await this.#adoptHeads();
    await this.shelf.replayLogs();
    await this.#settleFormer(former);
  }

  find(volumeId: string): VolumeState | undefined {
    return this.#volumes.get(volumeId);
  }

  /** The volume. Throws `not_found`, or `corrupt` when its record is damaged. */
  get(volumeId: string): VolumeState {
    const volume = this.#volumes.get(volumeId);
    if (volume !== undefined) return volume;
    throw (
      this.#damaged.get(volumeId) ??
      new OperatingError('not_found', `There is no volume ${volumeId}.`)
    );
  }

  isDamaged(volumeId: string): boolean {
    return this.#damaged.has(volumeId);
  }

  all(): IterableIterator<VolumeState> {
    return this.#volumes.values();
  }

  /** A volume that is not part of the set yet. */
  newVolume(record: VolumeState['record']): VolumeState {
    return new VolumeState(this.#folder, record, this.#operations, () => this.shelf.settleNames());
  }

  add(volume: VolumeState): void {
    this.#volumes.set(volume.id, volume);
    for (const snapshot of volume.record.snapshots) this.#owners.set(snapshot.id, volume);
  }

  /** Removes a volume with its snapshots, durably. */
  async remove(volume: VolumeState): Promise<void> {
    await volume.remove(this.#folder);
    this.#volumes.delete(volume.id);
    for (const snapshot of volume.record.snapshots) this.#owners.delete(snapshot.id);
  }

  ownerOf(snapshotId: string): VolumeState | undefined {
    return this.#owners.get(snapshotId);
  }

  /** Keeps the id of a snapshot from being given twice. */
  reserve(snapshotId: string, volume: VolumeState): void {
    this.#owners.set(snapshotId, volume);
  }

  unreserve(snapshotId: string): void {
    this.#owners.delete(snapshotId);
  }

  /** Keeps a layer, and what lies under it, from being given back or merged into its child. */
  pin(layerId: string): void {
    this.#pins.set(layerId, (this.#pins.get(layerId) ?? 0) + 1);
  }

  unpin(layerId: string): void {
    const count = (this.#pins.get(layerId) ?? 0) - 1;
    if (count > 0) this.#pins.set(layerId, count);
    else this.#pins.delete(layerId);
  }

  /** Pins a layer while `work` runs. */
  async withPin<T>(layerId: string, work: () => Promise<T>): Promise<T> {
    this.pin(layerId);
    try {
      return await work();
    } finally {
      this.unpin(layerId);
    }
  }

  /** A view of a frozen layer, which is kept until the view is closed. */
  openView(layerId: string): Chain {
    const chain = new Chain(this.shelf.chainOf(layerId), this.#viewBudget);
    this.#chains.add(chain);
    this.pin(layerId);
    return chain;
  }

  /** The chain of a volume in use whose head this is. */
  chainInUse(headId: string): Chain | undefined {
    for (const { live } of this.#volumes.values()) {
      if (live?.chain.top.id === headId) return live.chain;
    }
    return undefined;
  }

  closeView(chain: Chain): void {
    this.unpin(chain.top.id);
    this.#chains.delete(chain);
    chain.release();
  }

  /** Begins to use a volume. Called in its `control`, and ended by `leave`. */
  enter(volume: VolumeState): LiveVolume {
    volume.live ??= this.#makeLive(volume);
    volume.live.users += 1;
    return volume.live;
  }

  /** Ends a use. The last one to leave makes everything durable; called in `control`. */
  async leave(volume: VolumeState, live: LiveVolume): Promise<void> {
    live.users -= 1;
    if (live.users > 0) return;
    if (volume.live === live) await this.retire(volume);
    else this.#release(live);
  }

  /**
   * Takes a volume's head out of use without a care for what it holds: another one counts now.
   * Called in `control`. A merge that is still at work on it may end that.
   */
  async drop(volume: VolumeState): Promise<void> {
    const { live } = volume;
    if (live === undefined) return;
    volume.live = undefined;
    await live.stop();
    if (live.users === 0) this.#release(live);
  }

  /** Makes a volume durable and gives up its memory. After a failure the disk is what counts. */
  async retire(volume: VolumeState): Promise<void> {
    const { live } = volume;
    if (live === undefined) return;
    volume.live = undefined;
    this.#release(live);
    try {
      await live.flush();
      await live.stop();
      await live.chain.top.close();
    } catch (error) {
      await live.stop();
      await recoverLayers(live.chain.layers, this.#chains);
      await this.pending.finish(volume);
      await volume.reload();
      await this.#forsake(live, volume.record.head);
      throw error;
    }
  }

  /** Heads that the record does not name are no heads any more, also if this process dies. */
  async #forsake(live: LiveVolume, headId: string): Promise<void> {
    const { layers } = live.chain;
    const head = layers.findIndex((layer) => layer.id === headId);
    if (head < 0) return;
    for (const layer of layers.slice(head + 1)) await layer.dropLog();
  }

  roots(): Set<string> {
    const roots = new Set(this.#pins.keys());
    for (const volume of this.#volumes.values()) {
      for (const record of new Set([volume.record, volume.durable])) {
        roots.add(record.head);
        for (const snapshot of record.snapshots) roots.add(snapshot.layer);
      }
    }
    return roots;
  }

  /** The layers that somebody can open: heads, and those that snapshots name. */
  readable(): Set<string> {
    const layers = new Set<string>();
    for (const { record } of this.#volumes.values()) {
      layers.add(record.head);
      for (const snapshot of record.snapshots) layers.add(snapshot.layer);
    }
    return layers;
  }

  isUnsure(): boolean {
    if (this.#damaged.size > 0 || this.pending.isUnfinished) return true;
    return [...this.#volumes.values()].some((volume) => volume.record !== volume.durable);
  }

  async endDoubt(): Promise<void> {
    await this.pending.finish();
    for (const volume of this.#volumes.values()) await volume.commit();
  }

  chains(): Iterable<Chain> {
    return this.#chains;
  }

  isSettled(layer: Layer): boolean {
    return ![...this.#volumes.values()].some(
      ({ record, live }) => record.head === layer.id || live?.hasUnsettled(layer) === true,
    );
  }

  requests(): number {
    let requests = 0;
    for (const volume of this.#volumes.values()) requests += volume.live?.requests ?? 0;
    return requests;
  }

  async spaceReturned(): Promise<void> {
    for (const volume of this.#volumes.values()) await volume.live?.spaceReturned();
  }

  async withHead<T>(
    layerId: string,
    work: (live: LiveVolume | undefined) => Promise<T>,
  ): Promise<T> {
    const volume = [...this.#volumes.values()].find(({ record }) => record.head === layerId);
    if (volume === undefined) return work(undefined);
    const live = await volume.control.run(async () => this.enter(volume));
    try {
      return await work(live.chain.layers.some((layer) => layer.id === layerId) ? live : undefined);
    } finally {
      await volume.control.run(() => this.leave(volume, live));
    }
  }

  /**
   * Names the heads that a process has left which died before it named them; before anything is
   * given back. Answers the layers that were frozen by that.
   */
  async #adoptHeads(): Promise<Layer[]> {
    const { shelf } = this;
    const records = new Map([...shelf.all()].map((layer) => [layer.id, layer.record]));
    const heads = new Set([...this.#volumes.values()].map(({ record }) => record.head));
    const hasLog = async (id: string): Promise<boolean> => {
      const layer = shelf.get(id);
      return shelf.logged.has(layer) && (await layer.hasLog());
    };
    const newer = await findNewerHeads(records, this.roots(), heads, hasLog);
    const former: Layer[] = [];
    for (const volume of this.#volumes.values()) {
      const { head: old, lengthBytes } = volume.record;
      const head = newer.get(old);
      if (head === undefined) continue;
      const chain = shelf.chainOf(head);
      former.push(...chain.slice(chain.indexOf(shelf.get(old)), -1));
      if (shelf.get(head).record.lengthBytes < lengthBytes) {
        await shelf.get(head).rewrite({ lengthBytes });
      }
      await volume.change({ head });
    }
    return former;
  }

  /** Makes former heads durable, as a freeze does, whose last writes nobody has flushed. */
  async #settleFormer(former: readonly Layer[]): Promise<void> {
    for (const layer of former) {
      try {
        await layer.flush();
      } catch {
        // Then the layer has failed, and so does every flush of the volume until it is opened anew.
        this.#unsettled.add(layer);
      }
    }
  }

  #release(live: LiveVolume): void {
    this.#chains.delete(live.chain);
    live.chain.release();
  }

  #makeLive(volume: VolumeState): LiveVolume {
    const chain = new Chain(this.shelf.chainOf(volume.record.head), this.#budget);
    this.#chains.add(chain);
    const live = new LiveVolume(chain, volume.record.lengthBytes, () => volume.commit());
    for (const layer of chain.layers) {
      if (this.#unsettled.delete(layer)) live.noteUnsettled(layer);
    }
    return live;
  }

  async #sweep(folder: string): Promise<void> {
    for (const name of await this.#operations.list(folder)) {
      if (name.endsWith(temporarySuffix)) await this.#operations.remove(join(folder, name));
    }
  }

  async #loadOne(id: string): Promise<void> {
    const path = join(this.#folder, id + recordSuffix);
    try {
      this.add(this.newVolume(await readVolumeRecord(this.#operations, path, id)));
    } catch (error) {
      if (!isOperatingError(error)) throw error;
      this.#damaged.set(id, error);
    }
  }
}
