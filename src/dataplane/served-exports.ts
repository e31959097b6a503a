import { MiB } from '../base/bytes.ts';
import { OperatingError } from '../base/errors.ts';
import type {
  BackupPlace,
  ExportClients,
  ExportOf,
  ExportRegistry,
  Exports,
  PerformanceLimits,
} from '../nbd/exports.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import { BackingDevice } from '../volume/backing-device.ts';
import type { VolumeEngine } from '../volume/engine.ts';
import type { BackingSource } from '../volume/hydration.ts';
import { rangeDevice } from '../volume/range-device.ts';
import { readOnlyDevice } from '../volume/read-only-device.ts';
import { sharedDevice } from './shared-device.ts';
import { limitedDevice } from './limited-device.ts';
import { type Owner, RateLimit, type RateLimitTime } from './rate-limit.ts';

interface Served {
  readonly volumeId: string;
  readonly owner: Owner;
}

export interface ServedOptions {
  readonly time?: RateLimitTime | undefined;
  /** Where the bytes of backups come from. */
  readonly backups?: BackingSource | undefined;
}

/** What was read of a backup stays in memory while a client is connected, for all of an export. */
const cacheBytes = 32 * MiB;

/**
 * Exports of the volumes and snapshots of an engine, and of backups, in the registry of an NBD
 * server.
 */
export class ServedExports implements Exports {
  readonly #engine: VolumeEngine;
  readonly #registry: ExportRegistry;
  /** The exports of volumes by name, and the limits of their volumes. */
  readonly #served = new Map<string, Served>();
  readonly #limits = new Map<string, RateLimit>();

  readonly #time: RateLimitTime | undefined;

  readonly #backups: BackingSource | undefined;

  constructor(engine: VolumeEngine, registry: ExportRegistry, options: ServedOptions = {}) {
    this.#engine = engine;
    this.#registry = registry;
    this.#time = options.time;
    this.#backups = options.backups;
  }

  async add(name: string, { source, readOnly, range, requestId }: ExportOf): Promise<void> {
    if (this.#registry.has(name)) return;
    if ('backup' in source) {
      const open = sharedDevice(() => this.#openBackup(source.backup));
      this.#registry.add(name, { readOnly: true, requestId, open });
      return;
    }
    if ('snapshotId' in source) {
      const open = (): Promise<BlockDevice> => this.#engine.openSnapshot(source.snapshotId);
      this.#registry.add(name, { readOnly: true, requestId, open });
      return;
    }
    const { volumeId } = source;
    const owner: Owner = { left: false };
    this.#served.set(name, { volumeId, owner });
    this.#registry.add(name, {
      readOnly,
      requestId,
      open: async (): Promise<BlockDevice> => {
        const whole = await this.#engine.openVolume(volumeId);
        const device = range === undefined ? whole : rangeDevice(whole, range);
        const limited = limitedDevice(device, this.#limitOf(volumeId), owner);
        return readOnly ? readOnlyDevice(limited) : limited;
      },
    });
  }

  /** Requests that wait for their turn go ahead: the end of the export must not wait for them. */
  async remove(name: string): Promise<void> {
    const served = this.#served.get(name);
    this.#served.delete(name);
    if (served !== undefined) {
      this.#limits.get(served.volumeId)?.leave(served.owner);
      const isUsed = [...this.#served.values()].some((each) => each.volumeId === served.volumeId);
      if (!isUsed) this.#limits.delete(served.volumeId);
    }
    await this.#registry.remove(name);
  }

  async limit(volumeId: string, limits: PerformanceLimits): Promise<void> {
    if (!this.#limits.has(volumeId) && Object.keys(limits).length === 0) return;
    this.#limitOf(volumeId).set(limits);
  }

  /** No limit holds any more, so that nothing is left to wait for. */
  release(): void {
    for (const limit of this.#limits.values()) limit.set({});
  }

  async clients(names: readonly string[]): Promise<ExportClients[]> {
    return names.map((name) => this.#registry.clients(name));
  }

  #openBackup(backup: BackupPlace): BlockDevice {
    if (this.#backups === undefined) {
      throw new OperatingError('unavailable', 'No backups are at hand here.');
    }
    return new BackingDevice(this.#backups, { ...backup, doneBytes: 0 }, { cacheBytes });
  }

  #limitOf(volumeId: string): RateLimit {
    const limit = this.#limits.get(volumeId) ?? new RateLimit(this.#time);
    this.#limits.set(volumeId, limit);
    return limit;
  }
}
