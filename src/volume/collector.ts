import { monotonicMs } from '../base/clock.ts';
import { GroupCommit } from '../layer/group-commit.ts';
import type { Layer } from '../layer/layer.ts';
import { BackgroundPace } from './background-pace.ts';
import type { Chain } from './chain.ts';
import { planCollection } from './collection-plan.ts';
import { recoverLayers } from './layer-recovery.ts';
import type { LayerShelf } from './layer-shelf.ts';
import type { LiveVolume } from './live-volume.ts';
import { wayOfMerge } from './merge-cost.ts';
import { mergeDown } from './merge-down.ts';
import { MergeProgress } from './merge-progress.ts';
import { mergeUp } from './merge-up.ts';

/** What a collection needs to know of the volumes. */
export interface CollectorView {
  /** Every layer that something refers to directly, in memory or on disk. */
  roots(): Set<string>;
  /** True when what some record refers to is not known: it is damaged, or its write has failed. */
  isUnsure(): boolean;
  /** Writes the records of volumes that are ahead of the disk. */
  endDoubt(): Promise<void>;
  /** Keeps the volume whose head this is in use while `work` runs; undefined for a frozen layer. */
  withHead<T>(layerId: string, work: (live: LiveVolume | undefined) => Promise<T>): Promise<T>;
  /** Every chain in use. */
  chains(): Iterable<Chain>;
  /** True for a frozen layer of which nobody waits for writes of a guest to become durable. */
  isSettled(layer: Layer): boolean;
  /** How many requests guests have made so far. */
  requests(): number;
  /** Resolves when all that was freed in the heads in use has gone back to the host. */
  spaceReturned(): Promise<void>;
}

/**
 * Gives back what nobody needs: removes the layers that nothing leads to, merges those that only
 * one child needs, and returns the freed space of those that no guest writes to. One step at a
 * time; each step leaves the folder sound, so a crash or a failure costs no more than doing it
 * again.
 */
export class Collector {
  readonly #shelf: LayerShelf;
  readonly #view: CollectorView;
  readonly #report: (error: unknown) => void;
  readonly #pace: BackgroundPace;
  readonly #run = new GroupCommit(() => this.#collect());
  /** The layers whose files were compared with their maps since they were opened. */
  readonly #compared = new WeakSet<Layer>();
  readonly #stopping = Promise.withResolvers<void>();
  #isStopped = false;

  constructor(shelf: LayerShelf, view: CollectorView, report: (error: unknown) => void) {
    this.#shelf = shelf;
    this.#view = view;
    this.#report = report;
    this.#pace = new BackgroundPace(() => view.requests());
  }

  /** Starts a collection in the background; a failure is reported and tried again at the next. */
  start(): void {
    if (!this.#isStopped) this.#run.run().catch(this.#report);
  }

  /** Resolves when all that can be given back has been. Rejects when that has failed. */
  async settled(): Promise<void> {
    await this.#run.run();
    await this.#view.spaceReturned();
  }

  /** Ends the work that is under way at the next place where that is safe. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopping.resolve();
    // What failed was reported to whoever started it.
    await Promise.allSettled([this.#run.run()]);
  }

  async #collect(): Promise<void> {
    await this.#endDoubt();
    while (!this.#isStopped && !this.#view.isUnsure() && !this.#shelf.hasDamage) {
      if (!(await this.#step())) break;
    }
    await this.#returnSpace();
  }

  /** Gives freed space back, of frozen layers and of heads that nobody has open. */
  async #returnSpace(): Promise<void> {
    for (const layer of this.#shelf.all()) {
      if (this.#isStopped || !this.#shelf.holds(layer)) continue;
      // What is being filled in is in the files before it is marked.
      if (layer.record.backing !== undefined) continue;
      if (!this.#compared.has(layer)) {
        this.#compared.add(layer);
        await layer.space.findSpare().catch((error: unknown) => layer.space.report(error));
      }
      if (!layer.space.hasFreed) continue;
      await this.#view.withHead(layer.id, async (live) => {
        if (live === undefined) await this.#returnFrozen(layer);
        else if (live.users > 1) live.returnSpace();
        else await Promise.race([live.spaceReturned(), this.#stopping.promise]);
      });
    }
  }

  /** Gives back the freed space of a layer that only merges write to, which do not run now. */
  async #returnFrozen(layer: Layer): Promise<void> {
    // What a merge has copied into its files is not marked yet.
    if (await new MergeProgress(this.#shelf.pool.operations, layer).isThere()) return;
    while (!this.#isStopped) {
      const range = layer.space.hasFreed ? layer.space.takeFreed() : undefined;
      if (range === undefined) return;
      const startMs = monotonicMs();
      await layer.space.giveBack(range);
      await this.#pace.after(0, monotonicMs() - startMs);
    }
  }

  /** Writes the records again of which it is not known what is on disk: what they lead to stays. */
  async #endDoubt(): Promise<void> {
    for (const layer of this.#shelf.all()) {
      if (layer.isRecordInDoubt) await layer.rewrite({});
    }
    await this.#view.endDoubt();
  }

  /** Does what is next; answers false when there is nothing. */
  async #step(): Promise<boolean> {
    const { removals, merges } = this.#plan();
    const [removal] = removals;
    if (removal !== undefined) {
      await this.#shelf.remove(this.#shelf.get(removal));
      return true;
    }
    const failures: unknown[] = [];
    for (const { parent, child } of merges) {
      try {
        if (await this.#merge(this.#shelf.get(parent), this.#shelf.get(child))) return true;
      } catch (error) {
        await this.#recover([parent, child]).catch((failure: unknown) => failures.push(failure));
        // What is wrong with these two must not keep the others from being merged.
        if (this.#shelf.get(child).isRecordInDoubt) throw error;
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return false;
  }

  /**
   * Takes frozen layers as they are on disk after a flush of theirs has failed. One that may still
   * have writes of a guest fails with its volume instead, which must not acknowledge them.
   */
  async #recover(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const layer = this.#shelf.find(id);
      if (layer !== undefined && this.#view.isSettled(layer)) {
        await recoverLayers([layer], this.#view.chains());
      }
    }
  }

  #plan(): ReturnType<typeof planCollection> {
    const records = [...this.#shelf.all()].map((layer) => layer.record);
    return planCollection(records, this.#view.roots());
  }

  async #merge(parent: Layer, child: Layer): Promise<boolean> {
    // A layer that is not whole yet has what the child needs elsewhere.
    if (parent.record.backing !== undefined) return false;
    const goOn = (): boolean => !this.#isStopped;
    const pace = this.#pace;
    const { pool } = this.#shelf;
    const replace = (): void => {
      for (const chain of this.#view.chains()) chain.replace(parent, child);
    };
    return this.#view.withHead(child.id, async (live) => {
      const way = await wayOfMerge(parent, child, live !== undefined);
      if (way === 'later') return false;
      if (way === 'down') {
        const merge = { parent, child, pool, pace, goOn, onSwitch: replace };
        if (!(await mergeDown(merge))) return false;
      } else {
        const { operations } = pool;
        if (!(await mergeUp({ parent, child, live, operations, pace, goOn }))) return false;
        await child.rewrite({ parent: parent.record.parent });
        replace();
      }
      await this.#shelf.remove(parent);
      return true;
    });
  }
}
