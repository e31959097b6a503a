import { assert } from '../base/assert.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import type { Claim, Cut, ExportRegistry } from './exports.ts';

/**
 * The export that a connection has chosen, and its open device: at most one at a time. INFO opens
 * it already, because only the device knows its size; GO with the same name goes on with it.
 */
export class Choice {
  readonly #registry: ExportRegistry;
  readonly #cut: Cut;
  #claim: Claim | undefined;
  #name: string | undefined;
  #requestId: string | undefined;
  #device: BlockDevice | undefined;

  constructor(registry: ExportRegistry, cut: Cut) {
    this.#registry = registry;
    this.#cut = cut;
  }

  /** Of the request that handed out the export that was chosen last. */
  get requestId(): string | undefined {
    return this.#requestId;
  }

  exists(name: string): boolean {
    return this.#registry.has(name);
  }

  /** Opens `name`, closing what was chosen before; nothing when there is no such export. */
  async choose(name: string): Promise<BlockDevice | undefined> {
    if (this.#device !== undefined && this.#name === name) return this.#device;
    await this.close();
    const claim = this.#registry.claim(name, this.#cut);
    if (claim === undefined) return undefined;
    this.#claim = claim;
    this.#requestId = claim.entry.requestId;
    this.#name = name;
    this.#device = await claim.entry.open();
    assert(this.#device.readOnly || !claim.entry.readOnly, 'a read-only export cannot be written');
    return this.#device;
  }

  /** Closes the device, if one is open, and lets go of the export even if closing fails. */
  async close(): Promise<void> {
    const device = this.#device;
    const claim = this.#claim;
    this.#device = undefined;
    this.#claim = undefined;
    try {
      await device?.close();
    } finally {
      claim?.release();
    }
  }
}
