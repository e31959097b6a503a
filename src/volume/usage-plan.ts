import { must } from '../base/assert.ts';
import type { LayerRecord } from '../layer/layer-record.ts';
import type { Layer } from '../layer/layer.ts';
import type { VolumeSet } from './volume-set.ts';

/** A layer beside a chain, with what lies on it, as far as heads and snapshots lead through it. */
export interface Branch {
  readonly layer: Layer;
  /** It is a head, or a snapshot names it: all its sectors are read through it. */
  readonly isNamed: boolean;
  /** What else leads through it; left out when it has a name. */
  readonly children: readonly Branch[];
}

/** The layers that say what a reader of one layer shares with others. */
export interface UsagePlan {
  /** The layer, and what lies under it. */
  readonly path: readonly Layer[];
  /**
   * For the layers of the path that nobody reads but through the first one or a branch, which are
   * the first of them: the branches that stand on them.
   */
  readonly branches: readonly (readonly Branch[])[];
  /** The records of all these layers, as they were. */
  readonly records: ReadonlyMap<Layer, LayerRecord>;
}

/**
 * Looks up the layers under and beside a layer. A layer is at least as long as the one under it, so
 * whoever reads a layer gets down to every sector that the ones under it hold.
 */
export function planUsage(set: VolumeSet, layerId: string): UsagePlan {
  const named = set.readable();
  const children = childrenOf(set);
  const records = new Map<Layer, LayerRecord>();
  const path = set.shelf.chainOf(layerId).toReversed();
  for (const layer of path) records.set(layer, layer.record);
  const branches: Branch[][] = [];
  for (const [depth, layer] of path.entries()) {
    if (depth > 0 && named.has(layer.id)) break;
    const beside = (children.get(layer.id) ?? []).filter((child) => child !== path[depth - 1]);
    branches.push(branchesOf(beside, { named, children, records }));
  }
  return { path, branches, records };
}

/** True when a layer of the plan was merged, so that its files may be gone. */
export function isStale(set: VolumeSet, plan: UsagePlan): boolean {
  for (const [layer, record] of plan.records) {
    if (layer.record !== record || set.shelf.find(layer.id) !== layer) return true;
  }
  return false;
}

interface Tree {
  readonly named: ReadonlySet<string>;
  readonly children: ReadonlyMap<string, readonly Layer[]>;
  readonly records: Map<Layer, LayerRecord>;
}

/** The branches of these layers; what leads to no name is left out. */
function branchesOf(layers: readonly Layer[], tree: Tree): Branch[] {
  return layers.flatMap((layer) => {
    const isNamed = tree.named.has(layer.id);
    const above = isNamed ? [] : branchesOf(tree.children.get(layer.id) ?? [], tree);
    if (!isNamed && above.length === 0) return [];
    tree.records.set(layer, layer.record);
    return [{ layer, isNamed, children: above }];
  });
}

function childrenOf(set: VolumeSet): Map<string, Layer[]> {
  const children = new Map<string, Layer[]>();
  for (const layer of set.shelf.all()) {
    const { parent } = layer.record;
    if (parent === null) continue;
    if (!children.has(parent)) children.set(parent, []);
    must(children.get(parent), 'the list of children').push(layer);
  }
  return children;
}
