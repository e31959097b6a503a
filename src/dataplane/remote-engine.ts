import type { Extent } from '../base/extent.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import type { Hydration } from '../volume/hydration.ts';
import type {
  SnapshotFacts,
  Usage,
  VolumeEngine,
  WantedSnapshot,
  SpaceMap,
  SpaceMapQuery,
} from '../volume/engine.ts';
import type { ThreadCalls } from './calls.ts';
import { RemoteDevice, SharedMemory } from './remote-device.ts';
import { remoteHydration } from './remote-hydration.ts';

/** The engine of the data plane's thread, as the rest of the process sees it. */
export class RemoteEngine implements VolumeEngine {
  readonly #calls: ThreadCalls;
  readonly #memory = new SharedMemory();
  /** The devices that are open here, by volume. */
  readonly #devices = new Map<string, Set<RemoteDevice>>();

  readonly hydration: Hydration;

  constructor(calls: ThreadCalls) {
    this.#calls = calls;
    this.hydration = remoteHydration(calls, this.#memory);
  }

  createVolume(wanted: Parameters<VolumeEngine['createVolume']>[0]): Promise<void> {
    return this.#calls.createVolume(wanted);
  }

  deleteVolume(volumeId: string): Promise<void> {
    return this.#calls.deleteVolume(volumeId);
  }

  async openVolume(volumeId: string): Promise<BlockDevice> {
    const facts = await this.#calls.openVolume(volumeId);
    const open = this.#devices.get(volumeId) ?? new Set();
    const device = new RemoteDevice(facts, this.#calls, this.#memory, (closed) => {
      open.delete(closed);
      if (open.size === 0) this.#devices.delete(volumeId);
    });
    this.#devices.set(volumeId, open.add(device));
    return device;
  }

  async extendVolume(volumeId: string, lengthBytes: number): Promise<void> {
    await this.#calls.extendVolume(volumeId, lengthBytes);
    for (const device of this.#devices.get(volumeId) ?? []) device.grow(lengthBytes);
  }

  createSnapshots(wanted: readonly WantedSnapshot[]): Promise<SnapshotFacts[]> {
    return this.#calls.createSnapshots(wanted);
  }

  beginSnapshots(wanted: readonly WantedSnapshot[]): Promise<void> {
    return this.#calls.beginSnapshots(wanted);
  }

  revertVolume(wanted: { volumeId: string; snapshotId: string }): Promise<void> {
    return this.#calls.revertVolume(wanted);
  }

  aliasSnapshot(wanted: { snapshotId: string; aliasId: string }): Promise<void> {
    return this.#calls.aliasSnapshot(wanted);
  }

  deleteSnapshot(snapshotId: string): Promise<void> {
    return this.#calls.deleteSnapshot(snapshotId);
  }

  async openSnapshot(snapshotId: string): Promise<BlockDevice> {
    const facts = await this.#calls.openSnapshot(snapshotId);
    return new RemoteDevice(facts, this.#calls, this.#memory, () => undefined);
  }

  findSnapshot(snapshotId: string): Promise<SnapshotFacts | undefined> {
    return this.#calls.findSnapshot(snapshotId);
  }

  changedExtents(wanted: {
    snapshotId: string;
    sinceLayerId: string;
  }): Promise<Extent[] | undefined> {
    return this.#calls.changedExtents(wanted);
  }

  usage(of: { volumeId: string } | { snapshotId: string }): Promise<Usage> {
    return this.#calls.usage(of);
  }

  spaceMap(query: SpaceMapQuery): Promise<SpaceMap> {
    return this.#calls.spaceMap(query);
  }

  /** Closes the data plane as a whole: its volumes are of no use to the NBD server afterwards. */
  close(): Promise<void> {
    return this.#calls.close();
  }
}
