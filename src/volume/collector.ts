import { GroupCommit } from '../layer/group-commit.ts';
import type { Layer } from '../layer/layer.ts';
import type { Chain } from './chain.ts';
import { planCollection } from './collection-plan.ts';
import type { LayerShelf } from './layer-shelf.ts';
import type { LiveVolume } from './live-volume.ts';
import { wayOfMerge } from './merge-cost.ts';
import { mergeDown } from './merge-down.ts';
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
}

/**
 * Gives back the layers that nobody needs: removes those that nothing leads to, and merges those
 * that only one child needs. One step at a time; each step leaves the folder sound, so a crash or a
 * failure costs no more than doing it again.
 */
export class Collector {
  readonly #shelf: LayerShelf;
  readonly #view: CollectorView;
  readonly #report: (error: unknown) => void;
  readonly #run = new GroupCommit(() => this.#collect());
  #isStopped = false;

  constructor(shelf: LayerShelf, view: CollectorView, report: (error: unknown) => void) {
    this.#shelf = shelf;
    this.#view = view;
    this.#report = report;
  }

  /** Starts a collection in the background; a failure is reported and tried again at the next. */
  start(): void {
    if (!this.#isStopped) this.#run.run().catch(this.#report);
  }

  /** Resolves when all that can be given back has been. Rejects when that has failed. */
  async settled(): Promise<void> {
    await this.#run.run();
  }

  /** Ends the work that is under way at the next place where that is safe. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    // What failed was reported to whoever started it.
    await Promise.allSettled([this.#run.run()]);
  }

  async #collect(): Promise<void> {
    await this.#endDoubt();
    while (!this.#isStopped && !this.#view.isUnsure() && !this.#shelf.hasDamage) {
      if (!(await this.#step())) return;
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
        // What is wrong with these two must not keep the others from being merged.
        if (this.#shelf.get(child).isRecordInDoubt) throw error;
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return false;
  }

  #plan(): ReturnType<typeof planCollection> {
    const records = [...this.#shelf.all()].map((layer) => layer.record);
    return planCollection(records, this.#view.roots());
  }

  #merge(parent: Layer, child: Layer): Promise<boolean> {
    const goOn = (): boolean => !this.#isStopped;
    const replace = (): void => {
      for (const chain of this.#view.chains()) chain.replace(parent, child);
    };
    return this.#view.withHead(child.id, async (live) => {
      const way = await wayOfMerge(parent, child, live !== undefined);
      if (way === 'later') return false;
      if (way === 'down') {
        const { pool } = this.#shelf;
        if (!(await mergeDown({ parent, child, pool, goOn, onSwitch: replace }))) return false;
      } else {
        if (!(await mergeUp({ parent, child, live, goOn }))) return false;
        await child.rewrite({ parent: parent.record.parent });
        replace();
      }
      await this.#shelf.remove(parent);
      return true;
    });
  }
}
