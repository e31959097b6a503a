import { setTimeout as sleep } from 'node:timers/promises';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import type { Lease } from './lease.ts';
import type { Leases } from './leases.ts';
import type { MapRoot } from './map.ts';

/** What a reader has for as long as it reads. */
export interface ReaderHold {
  readonly release: () => void;
  /**
   * What a reader says that misses something: `error`, or the same with why it may be missing, when
   * others could not know for a while that the map is being read.
   */
  readonly explain: (error: OperatingError) => OperatingError;
}

/**
 * The leases of the readers of this process. Nobody waits for one to be taken, and a store that
 * cannot be written to is read without. One that could not be taken, or that was lost, is taken as
 * soon as the store lets it be: what goes meanwhile is missed by its id, and never other data.
 */
export class ReaderLeases {
  readonly #leases: Leases;
  readonly #kept = new Map<AbortController, Promise<void>>();

  constructor(leases: Leases) {
    this.#leases = leases;
  }

  /** Tells others that a map is being read, until it is released. */
  hold(root: MapRoot): ReaderHold {
    const ended = new AbortController();
    const gaps = { seen: false };
    const keeping = this.#keep(root, ended.signal, gaps).finally(() => this.#kept.delete(ended));
    this.#kept.set(ended, keeping);
    return {
      release: () => ended.abort(),
      explain: (error) => (gaps.seen ? withGap(error) : error),
    };
  }

  async close(): Promise<void> {
    const all = [...this.#kept];
    for (const [ended] of all) ended.abort();
    await Promise.all(all.map(([, keeping]) => keeping));
  }

  async #keep(root: MapRoot, ended: AbortSignal, gaps: { seen: boolean }): Promise<void> {
    let lease = await this.#take(root);
    while (!ended.aborted) {
      if (lease?.isHeld !== true) {
        gaps.seen = true;
        await lease?.release();
        lease = await this.#take(root);
      }
      await pause(this.#leases.renewMs, ended);
    }
    await lease?.release();
  }

  async #take(root: MapRoot): Promise<Lease | undefined> {
    try {
      return await this.#leases.take('read', [root]);
    } catch (error) {
      if (isOperatingError(error)) return undefined;
      throw error;
    }
  }
}

/** Until it is time to look again, or the reader has ended. Keeps no process alive. */
async function pause(ms: number, ended: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: ended, ref: false }).catch((error: unknown) => {
    if (!ended.aborted) throw error;
  });
}

function withGap(error: OperatingError): OperatingError {
  const why =
    'this process could not tell others for a while that it reads the backup, and one of them ' +
    'may have deleted and pruned it';
  return new OperatingError(error.code, `${error.message}; ${why}`, { cause: error });
}
