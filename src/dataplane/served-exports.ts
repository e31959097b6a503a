import type { ExportOf, ExportRegistry, Exports } from '../nbd/exports.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import type { VolumeEngine } from '../volume/engine.ts';
import { readOnlyDevice } from '../volume/read-only-device.ts';

/** Exports of the volumes and snapshots of an engine, in the registry of an NBD server. */
export class ServedExports implements Exports {
  readonly #engine: VolumeEngine;
  readonly #registry: ExportRegistry;

  constructor(engine: VolumeEngine, registry: ExportRegistry) {
    this.#engine = engine;
    this.#registry = registry;
  }

  async add(name: string, { source, readOnly }: ExportOf): Promise<void> {
    if (this.#registry.has(name)) return;
    const isSnapshot = 'snapshotId' in source;
    this.#registry.add(name, {
      readOnly: readOnly || isSnapshot,
      open: async (): Promise<BlockDevice> => {
        if (isSnapshot) return this.#engine.openSnapshot(source.snapshotId);
        const device = await this.#engine.openVolume(source.volumeId);
        return readOnly ? readOnlyDevice(device) : device;
      },
    });
  }

  async remove(name: string): Promise<void> {
    await this.#registry.remove(name);
  }

  async connections(names: readonly string[]): Promise<number[]> {
    return names.map((name) => this.#registry.connections(name));
  }
}
