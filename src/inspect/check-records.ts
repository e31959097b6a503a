import { join } from 'node:path';
import type { LayerRecord } from '../layer/layer-record.ts';
import type { VolumeRecord } from '../volume/volume-record.ts';
import type { Finding } from './finding.ts';
import { readerName, wholly } from './finding.ts';
import type { Inventory } from './inventory.ts';
import { faultOf, pendingPath, recordOf } from './inventory.ts';
import type { LeftByKill } from './left-by-kill.ts';
import { awaitedLayers } from './left-by-kill.ts';
import type { References } from './references.ts';

const setAside = (what: string): string =>
  `Keeps every layer that it may lead to under a new name, then puts ${what} into damaged/.`;

const keeps = 'Keeps it under a new name: what is damaged may have led to it.';

/** Everything that the records alone show: damaged ones, and references that cannot be right. */
export function* checkRecords(
  inventory: Inventory,
  references: References,
  left: LeftByKill,
): Generator<Finding> {
  const isDoubt = isDoubtful(inventory, references);
  const awaited = awaitedLayers(inventory, references);
  yield* checkReadable(inventory, references);
  yield* checkPending(inventory);
  yield* checkBacked(inventory);
  for (const volume of inventory.volumes.values()) {
    const record = recordOf(volume);
    if (record !== undefined) yield* checkVolume(record, volume.path, inventory);
  }
  for (const layer of inventory.layers.values()) {
    const record = recordOf(layer);
    if (record === undefined) continue;
    const isLed = references.isLed(layer.id);
    const repair = isDoubt ? keeps : awaited.has(layer.id) ? null : 'Removes it.';
    yield* checkLayer(record, layer.path, { inventory, references, repair: isLed ? null : repair });
    if (isLed) continue;
    yield checkUnnamed(layer.id, layer.path, left.volumesOf(layer.id), repair);
  }
  yield* checkHeads(inventory, references);
  yield* checkSnapshotIds(references);
  yield* checkStrays(inventory);
}

function* checkReadable(inventory: Inventory, references: References): Generator<Finding> {
  for (const volume of inventory.volumes.values()) {
    const fault = faultOf(volume);
    if (fault === undefined) continue;
    yield {
      severity: 'damage',
      code: fault.isNewer ? 'newer-version' : 'damaged-volume-record',
      path: volume.path,
      what: fault.isNewer ? newer(fault.message) : fault.message,
      affects: [{ volumeId: volume.id, snapshotId: null, ranges: [] }],
      repair: fault.isNewer ? null : setAside('the record'),
      volumeId: volume.id,
    };
  }
  for (const layer of inventory.layers.values()) {
    const fault = faultOf(layer);
    if (fault === undefined) continue;
    yield {
      severity: 'damage',
      code: fault.isNewer ? 'newer-version' : 'damaged-layer-record',
      path: join(layer.path, 'layer.json'),
      what: fault.isNewer ? newer(fault.message) : fault.message,
      affects: references.readersOf(layer.id).map(wholly),
      repair: fault.isNewer ? null : setAside('the layer'),
      layerId: layer.id,
    };
  }
}

/** Layers that show more than they hold. */
function* checkBacked({ layers }: Inventory): Generator<Finding> {
  for (const layer of layers.values()) {
    const backing = recordOf(layer)?.backing;
    if (backing === undefined) continue;
    yield {
      severity: 'note',
      code: 'filled-from-backup',
      path: join(layer.path, 'layer.json'),
      what:
        `It is being filled from backup ${backing.backupId}: ${backing.doneBytes} of ` +
        `${backing.lengthBytes} bytes are there for certain. The rest is in the store.`,
      affects: [],
      repair: null,
      layerId: layer.id,
    };
  }
}

function* checkPending({ pending, volumes }: Inventory): Generator<Finding> {
  if (pending === undefined) return;
  if ('record' in pending) {
    yield {
      severity: 'note',
      code: 'pending-records',
      path: pendingPath,
      what: 'A crash kept these records from being written one by one; they count all the same.',
      affects: [],
      repair: 'Writes them one by one, as the next opening would.',
    };
    return;
  }
  const { message, isNewer } = pending.fault;
  yield {
    severity: 'damage',
    code: isNewer ? 'newer-version' : 'damaged-pending-records',
    path: pendingPath,
    what: isNewer ? newer(message) : `${message} No volume of the folder can be opened.`,
    affects: [...volumes.keys()].map((volumeId) => ({ volumeId, snapshotId: null, ranges: [] })),
    repair: isNewer ? null : setAside('the file'),
  };
}

function newer(message: string): string {
  return `${message} A newer Firn has written it: use that one.`;
}

function* checkVolume(
  record: VolumeRecord,
  path: string,
  inventory: Inventory,
): Generator<Finding> {
  const about = { path, severity: 'damage', repair: null, volumeId: record.id } as const;
  const head = inventory.layers.get(record.head);
  const headLength = recordOf(head)?.lengthBytes;
  const volume = { volumeId: record.id, snapshotId: null, ranges: [] };
  if (head === undefined) {
    const what = `Its head, layer ${record.head}, is missing.`;
    yield { ...about, code: 'missing-layer', what, affects: [volume] };
  } else if (headLength !== undefined && headLength < record.lengthBytes) {
    const what = `It has ${record.lengthBytes} bytes, its head only ${headLength}.`;
    const lost = { offsetBytes: headLength, lengthBytes: record.lengthBytes - headLength };
    yield { ...about, code: 'volume-larger', what, affects: [{ ...volume, ranges: [lost] }] };
  }
  for (const snapshot of record.snapshots) {
    const reader = { volumeId: record.id, snapshotId: snapshot.id };
    const layer = inventory.layers.get(snapshot.layer);
    const layerLength = recordOf(layer)?.lengthBytes;
    if (layer === undefined) {
      const what = `Snapshot ${snapshot.id} names layer ${snapshot.layer}, which is missing.`;
      yield { ...about, code: 'missing-layer', what, affects: [{ ...reader, ranges: [] }] };
    } else if (layerLength !== undefined && layerLength < snapshot.lengthBytes) {
      const { lengthBytes } = snapshot;
      const what = `Snapshot ${snapshot.id} has ${lengthBytes} bytes, its layer ${layerLength}.`;
      const lost = { offsetBytes: layerLength, lengthBytes: lengthBytes - layerLength };
      yield { ...about, code: 'snapshot-larger', what, affects: [{ ...reader, ranges: [lost] }] };
    }
  }
}

function* checkLayer(
  record: LayerRecord,
  path: string,
  around: { inventory: Inventory; references: References; repair: string | null },
): Generator<Finding> {
  const { inventory, references } = around;
  const { id, parent } = record;
  const affects = references.readersOf(id).map(wholly);
  const about = { path, severity: 'damage', repair: null, layerId: id } as const;
  if (parent !== null) {
    const below = inventory.layers.get(parent);
    const parentLength = recordOf(below)?.lengthBytes;
    if (below === undefined && references.isLed(id)) {
      const what = `Its parent, layer ${parent}, is missing: what it lacks itself is lost.`;
      yield { ...about, code: 'missing-parent', what, affects };
    } else if (below === undefined) {
      const what = `Its parent, layer ${parent}, is missing, and nothing leads to either.`;
      const { repair } = around;
      yield { ...about, severity: 'leftover', code: 'missing-parent', what, affects, repair };
    } else if (parentLength !== undefined && parentLength > record.lengthBytes) {
      const what = `It has ${record.lengthBytes} bytes, its parent ${parentLength}.`;
      // A volume whose growth a crash interrupted has a large layer that holds nothing more.
      const isUsed = references
        .namesOf(parent)
        .some((name) => name.lengthBytes > record.lengthBytes);
      const severity = isUsed ? 'damage' : 'note';
      yield { ...about, severity, code: 'parent-larger', what, affects: isUsed ? affects : [] };
    }
    if (references.isCyclic(id)) {
      yield { ...about, code: 'cycle', what: 'It lies on itself, by way of its parents.', affects };
    }
  }
}

/** A layer that nothing leads to; `volumes` get it at the next start. */
function checkUnnamed(
  layerId: string,
  path: string,
  volumes: readonly string[],
  repair: string | null,
): Finding {
  const about = { path, layerId, affects: [], repair };
  if (volumes.length === 0) {
    const what = 'No volume and no snapshot leads to it.';
    return { ...about, severity: 'leftover', code: 'dead-layer', what };
  }
  const what =
    `Firn was killed: it is the newer head of volume ${volumes.join(' and ')}, or under that. ` +
    'The next start of Firn takes it, if the host is not restarted before.';
  return { ...about, severity: 'note', code: 'newer-head', what };
}

/**
 * True when some record cannot be read, when a volume or a snapshot leads to a layer that is not
 * there, or when layers lie on themselves: then what nobody names may be needed all the same.
 */
export function isDoubtful(inventory: Inventory, references: References): boolean {
  if (inventory.pending !== undefined && 'fault' in inventory.pending) return true;
  const entries = [...inventory.volumes.values(), ...inventory.layers.values()];
  if (entries.some((entry) => recordOf<unknown>(entry) === undefined)) return true;
  const named = references.names.map((name) => name.layerId);
  if (named.some((id) => !inventory.layers.has(id))) return true;
  return [...inventory.layers.values()].some((layer) => {
    const parent = recordOf(layer)?.parent ?? null;
    const isMissing = parent !== null && !inventory.layers.has(parent);
    return (isMissing && references.isLed(layer.id)) || references.isCyclic(layer.id);
  });
}

function* checkHeads(inventory: Inventory, references: References): Generator<Finding> {
  const repair = 'Gives each of these volumes a new head on top of it, so that it changes no more.';
  for (const layer of inventory.layers.values()) {
    const names = references.namesOf(layer.id);
    const heads = names.filter((name) => name.snapshotId === null);
    if (heads.length === 0) continue;
    const about = { path: layer.path, severity: 'damage', repair, layerId: layer.id } as const;
    const whose = heads.map(readerName).join(' and ');
    const affects = names.map(wholly);
    if (heads.length > 1) {
      yield { ...about, code: 'shared-head', what: `It is the head of ${whose}.`, affects };
    }
    const snapshots = names.filter((name) => name.snapshotId !== null).map(readerName);
    if (snapshots.length > 0) {
      const what = `It is the head of ${whose}, and also what ${snapshots.join(' and ')} names.`;
      yield { ...about, code: 'head-is-snapshot', what, affects };
    }
    const children = references.childrenOf(layer.id);
    if (children.some((child) => references.isLed(child))) {
      const what = `It is the head of ${whose}, and layers lie on it: ${children.join(', ')}.`;
      const readers = references.readersOf(layer.id).map(wholly);
      yield { ...about, code: 'head-has-children', what, affects: readers };
    }
  }
}

function* checkSnapshotIds(references: References): Generator<Finding> {
  const owners = new Map<string, string>();
  for (const { volumeId, snapshotId } of references.names) {
    if (snapshotId === null) continue;
    const other = owners.get(snapshotId);
    owners.set(snapshotId, volumeId);
    if (other === undefined) continue;
    yield {
      severity: 'damage',
      code: 'duplicate-snapshot',
      path: join('volumes', `${volumeId}.json`),
      what: `Snapshot ${snapshotId} is in the record of volume ${other} too.`,
      affects: [other, volumeId].map((each) => ({ volumeId: each, snapshotId, ranges: [] })),
      repair: null,
      volumeId,
    };
  }
}

function* checkStrays(inventory: Inventory): Generator<Finding> {
  for (const { path, isTemporary } of inventory.strays) {
    yield isTemporary
      ? {
          severity: 'leftover',
          code: 'temporary',
          path,
          what: 'It was being made or removed when Firn ended.',
          affects: [],
          repair: 'Removes it.',
        }
      : {
          severity: 'note',
          code: 'unknown-file',
          path,
          what: 'It is nothing that Firn makes.',
          affects: [],
          repair: null,
        };
  }
}
