import type { Manifest } from './manifest.ts';
import type { DamagedManifest } from './manifests.ts';

/**
 * From which layer each backup was read, so that the parent of a new backup is found without
 * reading every manifest. Listed once, and kept right by whoever adds and removes backups, which
 * one process at a time does. A hint all the same: its reader looks at the manifest itself.
 */
export class BackupLayers {
  readonly #list: () => AsyncIterable<Manifest | DamagedManifest>;
  #layers: Promise<Map<string, string>> | undefined;

  constructor(list: () => AsyncIterable<Manifest | DamagedManifest>) {
    this.#list = list;
  }

  /** Layer ids by backup ids. */
  all(): Promise<ReadonlyMap<string, string>> {
    return (this.#layers ??= this.#load());
  }

  add({ backupId, layerId }: Manifest): void {
    this.#change((layers) => layers.set(backupId, layerId));
  }

  remove(backupId: string): void {
    this.#change((layers) => layers.delete(backupId));
  }

  /** A change that comes while the list is being made is done after it. */
  #change(act: (layers: Map<string, string>) => void): void {
    // Without a list there is nothing to change: the next one sees what is there.
    void this.#layers?.then(act, () => undefined);
  }

  async #load(): Promise<Map<string, string>> {
    const layers = new Map<string, string>();
    try {
      for await (const found of this.#list()) {
        if (!('error' in found)) layers.set(found.backupId, found.layerId);
      }
      return layers;
    } catch (error) {
      this.#layers = undefined;
      throw error;
    }
  }
}
