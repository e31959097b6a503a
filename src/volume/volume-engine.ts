import { assert, must } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { isoMicros } from '../base/clock.ts';
import { OperatingError } from '../base/errors.ts';
import type { Extent } from '../base/extent.ts';
import { Serial } from '../base/serial.ts';
import { isByteCount } from '../layer/layer-record.ts';
import type { BlockDevice } from './block-device.ts';
import { unionOfMaps } from './changed-extents.ts';
import { Collector } from './collector.ts';
import type {
  SnapshotFacts,
  Usage,
  VolumeEngine,
  VolumeSource,
  WantedSnapshot,
  SpaceMap,
  SpaceMapQuery,
} from './engine.ts';
import { layerHydration } from './fill-layers.ts';
import type { Hydration } from './hydration.ts';
import type { FreezeTimes } from './freeze-times.ts';
import { inControl, withFrozen } from './freeze.ts';
import { snapshotExists, takeSnapshots, wantedOf } from './take-snapshots.ts';
import { drawSpaceMap } from './space-map.ts';
import { measureUsage } from './usage.ts';
import { SnapshotDevice, VolumeDevice } from './volume-device.ts';
import type { SnapshotRecord, VolumeOrigin } from './volume-record.ts';
import { isName } from './volume-record.ts';
import type { VolumeSet } from './volume-set.ts';
import type { VolumeState } from './volume-state.ts';

/** The engine on a folder of layers; `open-engine.ts` makes one. */
export class LayerVolumeEngine implements VolumeEngine {
  readonly #volumes: VolumeSet;
  readonly #clock: Clock;
  readonly #collector: Collector;
  readonly hydration: Hydration;
  /** Volumes are made one after the other. */
  readonly #creation = new Serial();
  #isClosed = false;

  constructor(volumes: VolumeSet, clock: Clock, report: (error: unknown) => void) {
    this.#volumes = volumes;
    this.#clock = clock;
    this.#collector = new Collector(volumes.shelf, volumes, report);
    this.#collector.start();
    this.hydration = layerHydration(volumes, () => this.#collector.start());
  }

  createVolume(options: {
    volumeId: string;
    lengthBytes: number;
    from?: VolumeSource;
  }): Promise<void> {
    const { volumeId, lengthBytes, from } = options;
    const origin = from === undefined ? null : originOf(from);
    this.#assertOpen();
    assertName(volumeId, 'volumeId');
    if (!isByteCount(lengthBytes)) {
      throw new OperatingError('invalid_input', 'The size of a volume is above zero.', {
        field: 'lengthBytes',
      });
    }
    return this.#creation.run(async () => {
      const existing = this.#volumes.find(volumeId);
      if (existing === undefined) await this.#makeVolume(volumeId, lengthBytes, from);
      else if (!isSame(existing, lengthBytes, origin)) {
        throw new OperatingError('exists', `There is another volume ${volumeId}.`);
      }
    });
  }

  async deleteVolume(volumeId: string): Promise<void> {
    this.#assertOpen();
    if (this.#volumes.find(volumeId) === undefined && !this.#volumes.isDamaged(volumeId)) return;
    const volume = this.#volumes.get(volumeId);
    await this.#alone(volume, async () => {
      if (this.#volumes.find(volumeId) !== volume) return;
      if (volume.devices + volume.snapshotDevices > 0) {
        throw new OperatingError(
          'invalid_state',
          `Volume ${volumeId} cannot be deleted: it, or a snapshot of it, is open.`,
        );
      }
      await this.#volumes.remove(volume);
    });
    this.#collector.start();
  }

  async openVolume(volumeId: string): Promise<BlockDevice> {
    this.#assertOpen();
    const volume = this.#volumes.get(volumeId);
    const live = await this.#control(volume, async () => {
      // After a failed change it is not known which head the record on disk names; what is written
      // from here on goes to the one in memory.
      await volume.commit();
      const entered = this.#volumes.enter(volume);
      volume.devices += 1;
      return entered;
    });
    return new VolumeDevice(live, () =>
      volume.control.run(async () => {
        volume.devices -= 1;
        await this.#volumes.leave(volume, live);
      }),
    );
  }

  async extendVolume(volumeId: string, lengthBytes: number): Promise<void> {
    this.#assertOpen();
    const volume = this.#volumes.get(volumeId);
    await this.#control(volume, async () => {
      const { record } = volume;
      if (!isByteCount(lengthBytes) || lengthBytes < record.lengthBytes) {
        throw new OperatingError('invalid_input', 'A volume can only grow.', {
          field: 'lengthBytes',
        });
      }
      if (lengthBytes === record.lengthBytes) return;
      await this.#volumes.shelf.get(record.head).rewrite({ lengthBytes });
      await volume.change({ lengthBytes });
      volume.live?.grow(lengthBytes);
    });
  }

  createSnapshots(wanted: readonly WantedSnapshot[]): Promise<SnapshotFacts[]> {
    return this.#takeSnapshots(wanted, () => undefined);
  }

  beginSnapshots(wanted: readonly WantedSnapshot[]): Promise<void> {
    const taken = Promise.withResolvers<void>();
    this.#takeSnapshots(wanted, taken.resolve).then(() => taken.resolve(), taken.reject);
    return taken.promise;
  }

  async revertVolume(options: { volumeId: string; snapshotId: string }): Promise<void> {
    const { volumeId, snapshotId } = options;
    this.#assertOpen();
    const volume = this.#volumes.get(volumeId);
    await this.#control(volume, async () => {
      const snapshot = volume.snapshot(snapshotId);
      if (snapshot === undefined) throw noSnapshot(snapshotId);
      if (volume.devices > 0) {
        throw new OperatingError(
          'invalid_state',
          `Volume ${volumeId} cannot be reverted while it is open.`,
        );
      }
      // The layers under the new head are sound, or the old one is better.
      this.#volumes.shelf.chainOf(snapshot.layer);
      const head = await this.#volumes.shelf.make(snapshot.layer, volume.record.lengthBytes);
      await this.#volumes.withPin(head.id, async () => {
        this.#volumes.shelf.add(head);
        await volume.change({ head: head.id });
      });
      await this.#volumes.drop(volume);
    });
    this.#collector.start();
  }

  async usage(of: { volumeId: string } | { snapshotId: string }): Promise<Usage> {
    this.#assertOpen();
    if ('volumeId' in of) {
      const { head, lengthBytes } = this.#volumes.get(of.volumeId).record;
      return measureUsage(this.#volumes, head, lengthBytes);
    }
    const { snapshot } = this.#getSnapshot(of.snapshotId);
    return measureUsage(this.#volumes, snapshot.layer, snapshot.lengthBytes);
  }

  async spaceMap({ of, ...rest }: SpaceMapQuery): Promise<SpaceMap> {
    this.#assertOpen();
    if ('volumeId' in of) {
      const { head, lengthBytes } = this.#volumes.get(of.volumeId).record;
      return drawSpaceMap(this.#volumes, { layerId: head, lengthBytes, ...rest });
    }
    const { layer, lengthBytes } = this.#getSnapshot(of.snapshotId).snapshot;
    return drawSpaceMap(this.#volumes, { layerId: layer, lengthBytes, ...rest });
  }

  async aliasSnapshot(options: { snapshotId: string; aliasId: string }): Promise<void> {
    const { snapshotId, aliasId } = options;
    this.#assertOpen();
    assertName(aliasId, 'aliasId');
    const { volume } = this.#getSnapshot(snapshotId);
    await this.#control(volume, async () => {
      const { snapshot } = this.#getSnapshot(snapshotId);
      const existing = volume.snapshot(aliasId);
      if (existing?.layer === snapshot.layer) return;
      if (existing !== undefined) throw snapshotExists(aliasId);
      await this.#named(volume, aliasId, () =>
        volume.change({ snapshots: [...volume.record.snapshots, { ...snapshot, id: aliasId }] }),
      );
    });
  }

  async deleteSnapshot(snapshotId: string): Promise<void> {
    this.#assertOpen();
    const volume = this.#volumes.ownerOf(snapshotId);
    if (volume === undefined) return;
    await this.#alone(volume, async () => {
      if (volume.snapshot(snapshotId) === undefined) return;
      const { snapshots } = volume.record;
      await volume.change({ snapshots: snapshots.filter(({ id }) => id !== snapshotId) });
      this.#volumes.unreserve(snapshotId);
    });
    this.#collector.start();
  }

  async openSnapshot(snapshotId: string): Promise<BlockDevice> {
    this.#assertOpen();
    const { volume, snapshot } = this.#getSnapshot(snapshotId);
    const chain = this.#volumes.openView(snapshot.layer);
    volume.snapshotDevices += 1;
    return new SnapshotDevice(chain, snapshot.lengthBytes, async () => {
      volume.snapshotDevices -= 1;
      this.#volumes.closeView(chain);
      this.#collector.start();
    });
  }

  async findSnapshot(snapshotId: string): Promise<SnapshotFacts | undefined> {
    this.#assertOpen();
    const volume = this.#volumes.ownerOf(snapshotId);
    const snapshot = volume?.snapshot(snapshotId);
    if (volume === undefined || snapshot === undefined) return undefined;
    return this.#factsOf(volume, snapshot);
  }

  async changedExtents(options: {
    snapshotId: string;
    sinceLayerId: string;
  }): Promise<Extent[] | undefined> {
    this.#assertOpen();
    const { snapshot } = this.#getSnapshot(options.snapshotId);
    const view = this.#volumes.openView(snapshot.layer);
    try {
      for (;;) {
        const { generation, layers } = view;
        const since = layers.findIndex((layer) => layer.id === options.sinceLayerId);
        if (since < 0) return undefined;
        try {
          const extents = await unionOfMaps(layers.slice(since + 1), snapshot.lengthBytes);
          if (generation === view.generation) return extents;
        } catch (error) {
          // A layer that was merged away while its map was read is no error.
          if (generation === view.generation) throw error;
        }
      }
    } finally {
      this.#volumes.closeView(view);
      this.#collector.start();
    }
  }

  /** How long changes had to wait for freezes so far. */
  get freezeTimes(): FreezeTimes {
    return this.#volumes.freezeTimes;
  }

  /** Resolves when all that nobody needs has been given back; rejects when that has failed. */
  settled(): Promise<void> {
    return this.#collector.settled();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#collector.stop();
    const failures: unknown[] = [];
    for (const volume of this.#volumes.all()) {
      await volume.control
        .run(() => this.#volumes.retire(volume))
        .catch((error: unknown) => failures.push(error));
    }
    await this.#volumes.pending.finish().catch((error: unknown) => failures.push(error));
    await this.#volumes.shelf.close();
    if (failures.length > 0) throw failures[0];
  }

  /** Like `#alone`, for a volume that must not have been deleted meanwhile. */
  #control<T>(volume: VolumeState, work: () => Promise<T>): Promise<T> {
    return this.#alone(volume, async () => {
      this.#assertThere(volume);
      return work();
    });
  }

  /** Runs a change of a volume alone, when nothing else about its record is left to do. */
  #alone<T>(volume: VolumeState, work: () => Promise<T>): Promise<T> {
    return volume.control.run(async () => {
      await this.#volumes.pending.finish(volume);
      return work();
    });
  }

  /** `onTaken` is called when the instant has passed. */
  async #takeSnapshots(
    wanted: readonly WantedSnapshot[],
    onTaken: () => void,
  ): Promise<SnapshotFacts[]> {
    this.#assertOpen();
    for (const { snapshotId } of wanted) assertName(snapshotId, 'snapshotId');
    const byVolume = wantedOf(this.#volumes, wanted);
    const volumes = [...byVolume.keys()];
    try {
      return await inControl(volumes, async () => {
        for (const volume of volumes) this.#assertThere(volume);
        for (const volume of volumes) await this.#volumes.pending.finish(volume);
        const createdAt = isoMicros(this.#clock.now());
        await takeSnapshots(this.#volumes, byVolume, { createdAt, onTaken });
        return wanted.map(({ snapshotId }) => {
          const { volume, snapshot } = this.#getSnapshot(snapshotId);
          return this.#factsOf(volume, snapshot);
        });
      });
    } finally {
      this.#collector.start();
    }
  }

  #assertThere(volume: VolumeState): void {
    this.#assertOpen();
    if (this.#volumes.find(volume.id) !== volume) {
      throw new OperatingError('not_found', `There is no volume ${volume.id}.`);
    }
  }

  async #makeVolume(
    volumeId: string,
    lengthBytes: number,
    from: VolumeSource | undefined,
  ): Promise<void> {
    if (this.#volumes.isDamaged(volumeId)) this.#volumes.get(volumeId);
    const origin = from === undefined ? null : originOf(from);
    const make = (parent: string | null): Promise<void> =>
      this.#makeOn(parent, { id: volumeId, lengthBytes, origin });
    if (from === undefined) {
      await make(null);
      return;
    }
    if ('backing' in from) {
      assertHolds(lengthBytes, from.backing.lengthBytes);
      const layer = await this.#volumes.shelf.makeBacked(from.backing, lengthBytes);
      await this.#volumes.withPin(layer.id, async () => {
        this.#volumes.shelf.add(layer);
        await make(layer.id);
      });
      return;
    }
    if ('snapshotId' in from) {
      const { snapshot } = this.#getSnapshot(from.snapshotId);
      assertHolds(lengthBytes, snapshot.lengthBytes);
      await this.#volumes.withPin(snapshot.layer, () => make(snapshot.layer));
      return;
    }
    const source = this.#volumes.get(from.volumeId);
    await this.#control(source, async () => {
      assertHolds(lengthBytes, source.record.lengthBytes);
      await withFrozen(
        this.#volumes,
        [source],
        () => undefined,
        async ([frozen]) => {
          await source.commit();
          await make(must(frozen, 'a volume has a head').id);
        },
      );
      this.#collector.start();
    });
  }

  /** Makes a volume whose head lies on a pinned layer. */
  async #makeOn(
    parent: string | null,
    facts: { id: string; lengthBytes: number; origin: VolumeOrigin | null },
  ): Promise<void> {
    // The layers under it are sound, or there is no use in a volume on them.
    if (parent !== null) this.#volumes.shelf.chainOf(parent);
    const head = await this.#volumes.shelf.make(parent, facts.lengthBytes);
    const volume = this.#volumes.newVolume({ ...facts, head: head.id, snapshots: [] });
    this.#volumes.pin(head.id);
    if (parent !== null) this.#volumes.pin(parent);
    this.#volumes.shelf.add(head);
    try {
      await volume.create();
      this.#volumes.add(volume);
    } catch (error) {
      // It may be there all the same. When its removal fails too, that is not known: then the pins
      // stay, and whoever opens the folder next sees which it was.
      await this.#volumes.remove(volume);
      this.#unpinAll(head.id, parent);
      this.#collector.start();
      throw error;
    }
    this.#unpinAll(head.id, parent);
  }

  #unpinAll(...layers: readonly (string | null)[]): void {
    for (const layer of layers) if (layer !== null) this.#volumes.unpin(layer);
  }

  /** Reserves the id of a snapshot while `work` makes it. */
  async #named(volume: VolumeState, snapshotId: string, work: () => Promise<void>): Promise<void> {
    if (this.#volumes.ownerOf(snapshotId) !== undefined) throw snapshotExists(snapshotId);
    this.#volumes.reserve(snapshotId, volume);
    try {
      await work();
    } catch (error) {
      if (volume.snapshot(snapshotId) === undefined) this.#volumes.unreserve(snapshotId);
      throw error;
    }
  }

  #getSnapshot(snapshotId: string): { volume: VolumeState; snapshot: SnapshotRecord } {
    const volume = this.#volumes.ownerOf(snapshotId);
    const snapshot = volume?.snapshot(snapshotId);
    if (volume !== undefined && snapshot !== undefined) return { volume, snapshot };
    throw noSnapshot(snapshotId);
  }

  #factsOf(volume: VolumeState, snapshot: SnapshotRecord): SnapshotFacts {
    const chain = this.#volumes.shelf.chainOf(snapshot.layer).toReversed();
    return {
      snapshotId: snapshot.id,
      volumeId: volume.id,
      lengthBytes: snapshot.lengthBytes,
      layerId: snapshot.layer,
      chain: chain.map((layer) => layer.id),
    };
  }

  #assertOpen(): void {
    assert(!this.#isClosed, 'nothing is called after close');
  }
}

function assertName(name: string, field: string): void {
  if (isName(name)) return;
  throw new OperatingError('invalid_input', `"${name}" is no id of a volume or snapshot.`, {
    field,
  });
}

function assertHolds(lengthBytes: number, sourceLengthBytes: number): void {
  if (lengthBytes >= sourceLengthBytes) return;
  throw new OperatingError('invalid_input', 'A clone is at least as large as its source.', {
    field: 'lengthBytes',
  });
}

function originOf(from: VolumeSource): VolumeOrigin {
  return 'backing' in from ? { backupId: from.backing.backupId } : from;
}

function isSame(volume: VolumeState, lengthBytes: number, origin: VolumeOrigin | null): boolean {
  return (
    volume.record.lengthBytes === lengthBytes &&
    JSON.stringify(volume.record.origin) === JSON.stringify(origin)
  );
}

function noSnapshot(snapshotId: string): OperatingError {
  return new OperatingError('not_found', `There is no snapshot ${snapshotId}.`);
}
