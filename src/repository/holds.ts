import type { BlockIndex } from './block-index.ts';
import { hexOf } from './block.ts';
import type { MapRoot } from './map.ts';

/** Plans that may still be executed. */
const plansMax = 16;

interface Hold {
  readonly root: MapRoot | undefined;
  readonly since: number;
  readonly writes: boolean;
  released: boolean;
  /** It is of no backup any more: what it keeps can go when it is released. */
  outlives: boolean;
}

/**
 * What running writers and readers of this process rely on, so that prune leaves it alone: the maps
 * they started from, and for writers every pack that they used since they began.
 */
export class Holds {
  readonly #index: BlockIndex;
  #holds: Hold[] = [];
  #plans: number[] = [];
  /** What was held when the last plan began. */
  #atPlan: readonly Hold[] = [];
  /** When each map was made, by its root. */
  readonly #committed = new Map<string, number>();
  readonly #onOutlived: () => void;

  /** `onOutlived` is called when something was released that kept a prune from what had to go. */
  constructor(index: BlockIndex, onOutlived: () => void = () => undefined) {
    this.#index = index;
    this.#onOutlived = onOutlived;
  }

  /** Holds a map until the returned function is called. */
  take(root: MapRoot | undefined, { writes }: { writes: boolean }): () => void {
    const since = this.#index.tick();
    const hold: Hold = { root, since, writes, released: false, outlives: false };
    this.#holds.push(hold);
    return () => {
      if (!hold.released && hold.outlives) this.#onOutlived();
      hold.released = true;
    };
  }

  /**
   * Begins a plan: its moment, the maps that are held at it, and the moment since when no pack that
   * was used may go, which is when the oldest of the writers that run began. These may end before
   * the plan does, with a backup that it does not see.
   */
  beginPlan(): { moment: number; roots: MapRoot[]; usedSince: number } {
    this.#plans = [...this.#plans.slice(1 - plansMax), this.#index.tick()];
    const oldest = this.#plans[0] ?? 0;
    this.#holds = this.#holds.filter((hold) => !hold.released || hold.since >= oldest);
    for (const [rootId, since] of this.#committed) {
      if (since < oldest) this.#committed.delete(rootId);
    }
    const held = this.#holds.filter((hold) => !hold.released);
    this.#atPlan = held;
    const moment = this.#plans.at(-1) ?? 0;
    const writing = held.filter(({ writes }) => writes).map(({ since }) => since);
    return { moment, roots: held.flatMap(rootsOf), usedSince: Math.min(moment, ...writing) };
  }

  /** Tells, while a plan is made, the roots of the maps that backups still have. */
  noteBackups(rootIds: ReadonlySet<string>): void {
    const outliving = this.#atPlan.filter(
      ({ root }) => root !== undefined && !rootIds.has(hexOf(root.rootId)),
    );
    for (const hold of outliving) hold.outlives = true;
    if (outliving.some(({ released }) => released)) this.#onOutlived();
  }

  /** Notes a map that a writer of this process has just made. */
  noteCommitted(root: MapRoot): void {
    this.#committed.set(hexOf(root.rootId), this.#index.tick());
  }

  /**
   * The maps that anybody began to hold since a plan, but for those made since; undefined when the
   * plan is long ago. Whatever a map that was made since consists of, its writer has used since.
   */
  rootsSince(moment: number): MapRoot[] | undefined {
    if (!this.#plans.includes(moment)) return undefined;
    const later = this.#holds.filter((hold) => hold.since >= moment).flatMap(rootsOf);
    return later.filter(({ rootId }) => (this.#committed.get(hexOf(rootId)) ?? 0) < moment);
  }
}

function rootsOf({ root }: Hold): MapRoot[] {
  return root === undefined ? [] : [root];
}
