import { OperatingError } from '../base/errors.ts';
import { FilePool } from '../layer/file-pool.ts';
import { nodeFileOperations } from '../layer/node-file-operations.ts';
import type { Finding } from './finding.ts';
import type { Inventory, LayerEntry } from './inventory.ts';
import { recordOf, takeInventory } from './inventory.ts';
import { checkFolder } from './check.ts';
import { isDoubtful } from './check-records.ts';
import { awaitedLayers, findLeftByKill, type LeftByKill } from './left-by-kill.ts';
import { References } from './references.ts';
import type { RepairStep } from './repair-step.ts';
import {
  finishPending,
  keepUnderNewName,
  mendMap,
  newHeads,
  removeLayer,
  removePath,
  setAsidePath,
} from './repair-step.ts';

/** What a repair would do, in order, and the damage that would be left. */
export interface RepairPlan {
  readonly steps: readonly RepairStep[];
  readonly remaining: readonly Finding[];
}

/**
 * Looks at a folder and says how it can be repaired. Every step is safe by itself and in this
 * order: what may be needed gets a name before anything is put aside, and nothing is removed that
 * could be the only copy of data. Nobody else may have the folder open until the plan is done.
 *
 * Rejects with `invalid_state` when a newer Firn has written something here: what it means is not
 * known, so nothing is touched.
 */
export async function planRepair(folder: string): Promise<RepairPlan> {
  const { findings } = await checkFolder(folder);
  const newer = findings.find((finding) => finding.code === 'newer-version');
  if (newer !== undefined) {
    throw new OperatingError(
      'invalid_state',
      `${newer.path} was written by a newer Firn: repair the folder with that one`,
    );
  }
  const inventory = await takeInventory(folder);
  const references = new References(inventory);
  const pool = new FilePool(nodeFileOperations);
  const of = (code: Finding['code']): Finding[] => findings.filter((each) => each.code === code);
  const damagedMaps = new Set(
    [...of('damaged-map-header'), ...of('damaged-map-directory')]
      .filter((finding) => finding.repair !== null)
      .map((finding) => finding.layerId),
  );
  const shared = new Set(
    [...of('shared-head'), ...of('head-is-snapshot'), ...of('head-has-children')].map(
      (finding) => finding.layerId,
    ),
  );
  const steps: RepairStep[] = of('pending-records').map(() => finishPending(folder));
  for (const layer of inventory.layers.values()) {
    const record = recordOf(layer);
    if (record === undefined) continue;
    if (damagedMaps.has(layer.id)) steps.push(mendMap(folder, record, pool));
    if (shared.has(layer.id)) steps.push(...newHeads(folder, inventory, references, record));
  }
  const isPendingLost = of('damaged-pending-records').length > 0;
  const left = isPendingLost ? undefined : await findLeftByKill(inventory, references);
  steps.push(...forLayersWithoutName(inventory, references, left));
  const unreadable = ['volume-record', 'layer-record', 'pending-records'] as const;
  for (const finding of unreadable.flatMap((each) => of(`damaged-${each}`))) {
    const path = finding.layerId === undefined ? finding.path : `layers/${finding.layerId}`;
    steps.push(setAsidePath(folder, path));
  }
  for (const finding of [...of('temporary'), ...of('unnamed-file')]) {
    steps.push(removePath(folder, finding.path));
  }
  return { steps, remaining: findings.filter((finding) => isLeft(finding)) };
}

function isLeft({ severity, repair }: Finding): boolean {
  return severity === 'damage' && repair === null;
}

/**
 * Layers that nobody leads to are removed; or kept, when what is damaged may lead to them. Those
 * that the next start takes for a volume whose record can be read stay as they are in any case: no
 * other volume's layer comes to lie so (`findNewerHeads`). When records that were to change
 * together cannot be read, they may have been named as snapshots too, and `left` is undefined.
 */
function forLayersWithoutName(
  inventory: Inventory,
  references: References,
  left: LeftByKill | undefined,
): RepairStep[] {
  const { folder } = inventory;
  const isAdopted = (id: string): boolean => left !== undefined && left.volumesOf(id).length > 0;
  const dead = [...inventory.layers.values()].filter(
    (layer) => recordOf(layer) !== undefined && !references.isLed(layer.id) && !isAdopted(layer.id),
  );
  if (!isDoubtful(inventory, references)) {
    // One with a log of marks may be a head that a killed Firn had not named: opening decides.
    const awaited = awaitedLayers(inventory, references);
    const removed = dead.filter(({ id }) => !awaited.has(id));
    return topDown(removed, references).map((layer) => removeLayer(folder, layer.id));
  }
  const taken = new Set<string>();
  const kept = dead.flatMap((top) => {
    const record = recordOf(top);
    if (record === undefined || references.childrenOf(top.id).length > 0) return [];
    const below = references.chain(top.id).layers;
    const named = below.filter(({ id }) => !references.isLed(id) && !taken.has(id));
    for (const { id } of named) taken.add(id);
    return [keepUnderNewName(folder, record, named)];
  });
  // Those that lie on themselves have no top, and no engine can open them.
  const others = dead.filter((layer) => !taken.has(layer.id));
  return [...kept, ...others.map((layer) => setAsidePath(folder, layer.path))];
}

/** Children before their parents, so that a repair that breaks off leaves no parent missing. */
function topDown(dead: readonly LayerEntry[], references: References): LayerEntry[] {
  const depth = (layer: LayerEntry): number => references.chain(layer.id).layers.length;
  return dead.toSorted((a, b) => depth(b) - depth(a));
}
