/**
 * Fills, in the background, the layers of volumes that are restored while they are in use.
 *
 * The layers themselves say what there is to do, so that nothing needs to be remembered: after a
 * start all that are not whole are taken up from where they were. What a guest touches is fetched
 * by its layer at once; this goes through the rest in order, steps back while guests work, and
 * keeps some memory of the repository free for them. When a store does not answer it tries again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted } from '../base/abort.ts';
import { monotonicMs } from '../base/clock.ts';
import { isOperatingError } from '../base/errors.ts';
import { leafBytes } from '../repository/block.ts';
import type { BackupReader } from '../repository/reader.ts';
import type { VolumeEngine } from '../volume/engine.ts';
import type { BackedFacts, Backing } from '../volume/hydration.ts';
import type { KeptBackups } from './backing-source.ts';
import { HydrationPace } from './hydration-pace.ts';

export interface HydratorOptions {
  readonly engine: Pick<VolumeEngine, 'createVolume' | 'hydration'>;
  readonly backups: Pick<KeptBackups, 'keep' | 'reader'>;
  /** Undefined: as fast as it goes while no guest asks for anything. */
  readonly bytesPerSecond?: number | undefined;
  /** Told of what fails; it is tried again. */
  readonly report: (error: unknown) => void;
}

/** Bytes of the backup, holes included, that are there. */
export interface HydrationProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly bytesPerSecond: number | undefined;
}

const scratchPrefix = 'drill-';

/** The volume in which a backup is tested; it is not filled, as it goes soon. */
export function scratchVolumeId(backupId: string): string {
  return scratchPrefix + backupId;
}

function isScratch(volumeId: string): boolean {
  return volumeId.startsWith(scratchPrefix);
}

/** So much is filled in between two notes of the place reached. */
const stepBytes = 4 * leafBytes;
/** Layers that are filled at the same instant; the others take turns with them. */
const layersAtOnce = 2;
/** Runs of 1 MiB that are under way at once, for all layers together. */
const runsAtOnce = 4;
const retryMs = 10_000;

export class Hydrator {
  readonly #options: HydratorOptions;
  readonly #pace: HydrationPace;
  readonly #stop = new AbortController();
  /** By layer: since when it is filled here, and how far it was then. */
  readonly #begun = new Map<string, { atMs: number; doneBytes: number }>();
  /** By layer: ends the keeping of its backup. */
  readonly #releases = new Map<string, () => void>();
  /** By layer: what is to be filled in this round, the next one first. */
  readonly #queue = new Map<string, Backing>();
  readonly #filling = new Set<string>();
  #keeping: Promise<unknown> = Promise.resolve();
  #work: Promise<void> = Promise.resolve();
  #wake = Promise.withResolvers<void>();

  constructor(options: HydratorOptions) {
    this.#options = options;
    this.#pace = new HydrationPace(options.bytesPerSecond);
  }

  /** Keeps the backups of all layers that are not whole, and begins to fill these. */
  async start(): Promise<void> {
    await this.#keepAll();
    this.#work = this.#run();
  }

  /**
   * Makes a volume that shows a backup at once, and begins to fill it. It may be repeated, as every
   * call of an engine. From when this is called until the volume is whole the backup's blocks stay.
   */
  async createVolume(volume: {
    volumeId: string;
    lengthBytes: number;
    backing: Backing;
  }): Promise<void> {
    const { engine, backups } = this.#options;
    const { volumeId, lengthBytes, backing } = volume;
    const release = backups.keep(backing);
    try {
      await backups.reader(backing);
      await engine.createVolume({ volumeId, lengthBytes, from: { backing } });
      // Whoever is filling others takes it in turn.
      const layers = await this.#keepAll();
      if (this.#filling.size > 0) this.#enqueue(layers);
    } finally {
      release();
    }
    this.#wake.resolve();
  }

  /** How far a volume is; undefined when all of it is there. */
  async progressOf(volumeId: string): Promise<HydrationProgress | undefined> {
    const layers = await this.#options.engine.hydration.backedLayers();
    const facts = layers.find(({ volumeIds }) => volumeIds.includes(volumeId));
    if (facts === undefined) return undefined;
    const { doneBytes, lengthBytes } = facts.backing;
    return { bytesDone: doneBytes, bytesTotal: lengthBytes, bytesPerSecond: this.#rateOf(facts) };
  }

  /** Bytes in a second that a layer is being filled with; undefined when that is not known. */
  #rateOf({ layerId, backing }: BackedFacts): number | undefined {
    const begun = this.#begun.get(layerId);
    if (begun === undefined) return undefined;
    const seconds = (monotonicMs() - begun.atMs) / 1000;
    return seconds < 1 ? undefined : (backing.doneBytes - begun.doneBytes) / seconds;
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.resolve();
    await this.#work;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      const isDone = await this.#round();
      if (signal.aborted) return;
      const timer = new AbortController();
      const waits = [this.#wake.promise];
      if (!isDone) waits.push(waited(retryMs, timer.signal));
      await Promise.race(waits);
      timer.abort();
    }
  }

  /**
   * Fills all there are, a few at once and each a step at a time, so that none waits for the end of
   * another; false when one of them is to be tried again.
   */
  async #round(): Promise<boolean> {
    const { report } = this.#options;
    let isDone = true;
    const work = async (): Promise<void> => {
      for (let next = this.#take(); next !== undefined; next = this.#take()) {
        try {
          await this.#fillStep(next);
        } catch (error) {
          if (this.#stop.signal.aborted) return;
          // Its volume was deleted.
          if (isOperatingError(error, 'not_found')) continue;
          report(error);
          isDone = false;
        }
      }
    };
    try {
      this.#enqueue(await this.#keepAll());
      await Promise.all(Array.from({ length: layersAtOnce }, work));
      await this.#keepAll();
    } catch (error) {
      report(error);
      return false;
    } finally {
      this.#queue.clear();
    }
    return isDone && !this.#stop.signal.aborted;
  }

  /** Those of the layers that nobody fills already. */
  #enqueue(layers: readonly BackedFacts[]): void {
    for (const { layerId, volumeIds, backing } of layers) {
      if (volumeIds.every(isScratch) || this.#queue.has(layerId)) continue;
      if (!this.#filling.has(layerId)) this.#queue.set(layerId, backing);
    }
  }

  #take(): { layerId: string; backing: Backing } | undefined {
    const [first] = this.#queue;
    if (first === undefined) return undefined;
    const [layerId, backing] = first;
    this.#queue.delete(layerId);
    return { layerId, backing };
  }

  /** Fills in the next of a layer, and has it wait for its next turn. */
  async #fillStep({ layerId, backing }: { layerId: string; backing: Backing }): Promise<void> {
    const { engine, backups } = this.#options;
    const { hydration } = engine;
    const { doneBytes, lengthBytes } = backing;
    const end = Math.min(lengthBytes, doneBytes + stepBytes);
    this.#filling.add(layerId);
    try {
      const reader = await backups.reader(backing);
      if (!this.#begun.has(layerId)) this.#begun.set(layerId, { atMs: monotonicMs(), doneBytes });
      const ranges = [];
      for (let page = doneBytes; page < end; page += leafBytes) {
        throwIfAborted(this.#stop.signal);
        ranges.push(...(await hydration.missing(layerId, page)));
      }
      if (ranges.length > 0) await this.#fillRanges(layerId, reader, ranges);
      await hydration.advance(layerId, end);
      if (end < lengthBytes) this.#queue.set(layerId, { ...backing, doneBytes: end });
    } finally {
      this.#filling.delete(layerId);
      if (!this.#queue.has(layerId)) this.#begun.delete(layerId);
    }
  }

  async #fillRanges(
    layerId: string,
    reader: BackupReader,
    ranges: readonly { offsetBytes: number; lengthBytes: number }[],
  ): Promise<void> {
    const { hydration } = this.#options.engine;
    const { signal } = this.#stop;
    const take = async (offsetBytes: number, content: Uint8Array): Promise<void> => {
      const requests = await hydration.fill(layerId, offsetBytes, content);
      await this.#pace.after({ bytes: content.byteLength, requests }, signal);
    };
    // Alone it may have all of them.
    const parallel = this.#filling.size > 1 ? runsAtOnce / layersAtOnce : runsAtOnce;
    await reader.restore(take, { ranges, signal, parallel });
  }

  /**
   * Keeps the backups of the layers that are not whole, and no others; answers these layers. One at
   * a time, as an older list must not end what a newer one began.
   */
  #keepAll(): Promise<BackedFacts[]> {
    const work = this.#keeping.then(
      () => this.#keepNow(),
      () => this.#keepNow(),
    );
    this.#keeping = work;
    return work;
  }

  async #keepNow(): Promise<BackedFacts[]> {
    const layers = await this.#options.engine.hydration.backedLayers();
    for (const { layerId, backing } of layers) {
      if (!this.#releases.has(layerId)) {
        this.#releases.set(layerId, this.#options.backups.keep(backing));
      }
    }
    for (const [layerId, release] of this.#releases) {
      if (layers.some((each) => each.layerId === layerId)) continue;
      release();
      this.#releases.delete(layerId);
    }
    return layers;
  }
}

async function waited(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
