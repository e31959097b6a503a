import { isOperatingError } from '../base/errors.ts';
import type { Lease } from './lease.ts';
import type { Leases } from './leases.ts';
import type { MapRoot } from './map.ts';

/**
 * The leases of the readers of this process. Nobody waits for one to be taken, and a store that
 * cannot be written to is read without.
 */
export class ReaderLeases {
  readonly #leases: Leases;
  readonly #taken = new Set<Promise<Lease | undefined>>();

  constructor(leases: Leases) {
    this.#leases = leases;
  }

  /** Tells others that a map is being read, until the returned function is called. */
  hold(root: MapRoot): () => void {
    const taking = this.#take(root);
    this.#taken.add(taking);
    return () => void this.#release(taking);
  }

  async close(): Promise<void> {
    await Promise.all(this.#taken.keys().map((taking) => this.#release(taking)));
  }

  async #take(root: MapRoot): Promise<Lease | undefined> {
    try {
      return await this.#leases.take('read', [root]);
    } catch (error) {
      if (isOperatingError(error)) return undefined;
      throw error;
    }
  }

  async #release(taking: Promise<Lease | undefined>): Promise<void> {
    const lease = await taking;
    await lease?.release();
    this.#taken.delete(taking);
  }
}
