import { sectorBytes } from '../layer/sector.ts';
import { monotonicMs } from '../base/clock.ts';
import { BackgroundPace } from './background-pace.ts';
import type { LiveVolume } from './live-volume.ts';

/** Work on a hole of this size counts as much as copying a sixteenth of it. */
const costOfHole = 1 / 16;

/**
 * Gives the freed space of a volume's head back to the host, in the background. Every piece is
 * under the range lock that a write takes, for well under a millisecond.
 */
export class SpaceReturn {
  readonly #live: LiveVolume;
  readonly #pace: BackgroundPace;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(live: LiveVolume) {
    this.#live = live;
    this.#pace = new BackgroundPace(() => live.requests);
  }

  /** Begins, unless it is under way; failures are reported and lose nothing. */
  start(): void {
    const { space } = this.#live.chain.top;
    if (this.#isStopped || this.#running !== undefined) return;
    if (!space.hasFreed && !space.mayCut) return;
    this.#running = this.#run()
      .catch((error: unknown) => space.report(error))
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** Resolves when all has been given back that a flush has made free so far. */
  async settled(): Promise<void> {
    this.start();
    await this.#running;
  }

  /** Ends the work at the next safe place; what is left is kept with the layer. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    await this.#cutTail();
    for (;;) {
      const { top } = this.#live.chain;
      const range = top.space.hasFreed && !this.#isStopped ? top.space.takeFreed() : undefined;
      if (range === undefined) return;
      const startMs = monotonicMs();
      await this.#live.exclusive(range.first, range.end, async () => {
        // A layer that was frozen meanwhile is the collector's.
        if (top !== this.#live.chain.top) top.space.suspect(range.first, range.end);
        else await top.space.giveBack(range);
      });
      const bytes = (range.end - range.first) * sectorBytes * costOfHole;
      await this.#pace.after(bytes, monotonicMs() - startMs);
    }
  }

  async #cutTail(): Promise<void> {
    const { top } = this.#live.chain;
    const end = await top.space.freedTail();
    if (end === undefined) return;
    await this.#live.exclusive(end, Number.MAX_SAFE_INTEGER, async () => {
      if (top === this.#live.chain.top) await top.space.cut(end);
    });
  }
}
