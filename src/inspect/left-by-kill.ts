import { join } from 'node:path';
import { fromSystemError, messageOf } from '../base/errors.ts';
import { FilePool } from '../layer/file-pool.ts';
import { MarkLog } from '../layer/mark-log.ts';
import { markLogFiles } from '../layer/mark-log-format.ts';
import { findNewerHeads } from '../volume/newer-heads.ts';
import { readBootId } from '../volume/open-engine.ts';
import type { Finding } from './finding.ts';
import { wholly } from './finding.ts';
import type { Inventory, LayerEntry } from './inventory.ts';
import { recordOf } from './inventory.ts';
import { readOnlyFiles } from './read-only-files.ts';
import type { ChainFacts, LayerName, References } from './references.ts';

/** What a layer's log of marks says: of this boot and without marks, with some, or unreadable. */
type LogState = 'empty' | 'marks' | { readonly fault: string };

/**
 * What a Firn that was killed has left for the next start: answered changes that the maps and
 * records on disk lack, as long as the host runs on. While a Firn runs it is that Firn's own state.
 */
export class LeftByKill {
  readonly #logs: ReadonlyMap<string, LogState>;
  /** By volume: the layer that the next start makes its head. */
  readonly #newerHeads: ReadonlyMap<string, string>;
  /** By layer: the volumes into whose chains the next start takes it. */
  readonly #adopted: ReadonlyMap<string, readonly string[]>;

  constructor(
    logs: ReadonlyMap<string, LogState>,
    newerHeads: ReadonlyMap<string, string>,
    references: References,
  ) {
    this.#logs = logs;
    this.#newerHeads = newerHeads;
    const adopted = new Map<string, string[]>();
    for (const [volumeId, head] of newerHeads) {
      for (const { id } of references.chain(head).layers) {
        if (references.isLed(id)) break;
        adopted.set(id, [...(adopted.get(id) ?? []), volumeId]);
      }
    }
    this.#adopted = adopted;
  }

  /** True when there are marks that the map on disk may lack, or when nobody can say. */
  hasMarks(layerId: string): boolean {
    const state = this.#logs.get(layerId) ?? 'empty';
    return state !== 'empty';
  }

  /** Why the log of a layer cannot be read, if it cannot. */
  faultOf(layerId: string): string | undefined {
    const state = this.#logs.get(layerId);
    return typeof state === 'object' ? state.fault : undefined;
  }

  /** The volumes that get the layer at the next start, though no record leads to it. */
  volumesOf(layerId: string): readonly string[] {
    return this.#adopted.get(layerId) ?? [];
  }

  /** True when what the name reads as after the next start may differ from the maps on disk. */
  isBehind(name: Pick<LayerName, 'volumeId' | 'snapshotId'> | undefined, chain: ChainFacts) {
    if (chain.layers.some(({ id }) => this.hasMarks(id))) return true;
    return name !== undefined && name.snapshotId === null && this.#newerHeads.has(name.volumeId);
  }
}

/** Reads the logs of a folder. Rejects only when the boot of this host cannot be told. */
export async function findLeftByKill(
  inventory: Inventory,
  references: References,
): Promise<LeftByKill> {
  const pool = new FilePool(readOnlyFiles, undefined, undefined, await bootIdOfHost());
  const logs = new Map<string, LogState>();
  for (const entry of inventory.layers.values()) {
    if (!hasLogFile(entry)) continue;
    const state = await readLog(pool, join(inventory.folder, entry.path));
    if (state !== undefined) logs.set(entry.id, state);
  }
  const records = [...inventory.layers.values()].flatMap((entry) => recordOf(entry) ?? []);
  const heads = references.names.filter((name) => name.snapshotId === null);
  const newer = await findNewerHeads(
    new Map(records.map((record) => [record.id, record])),
    references.names.map((name) => name.layerId),
    new Set(heads.map((name) => name.layerId)),
    (id) => Promise.resolve(logs.has(id)),
  );
  const newerHeads = new Map<string, string>();
  for (const { volumeId, layerId } of heads) {
    const head = newer.get(layerId);
    if (head !== undefined) newerHeads.set(volumeId, head);
  }
  return new LeftByKill(logs, newerHeads, references);
}

/** Layers that nobody leads to and that a repair leaves to the next start: they have logs. */
export function awaitedLayers(inventory: Inventory, references: References): Set<string> {
  return new Set(
    [...inventory.layers.values()]
      .filter((entry) => !references.isLed(entry.id) && hasLogFile(entry))
      .flatMap(({ id }) => references.chain(id).layers.map((layer) => layer.id)),
  );
}

/** The notes on logs, and the damage of one that cannot be read. */
export function* checkLogs(
  inventory: Inventory,
  references: References,
  left: LeftByKill,
): Generator<Finding> {
  for (const { id, path } of inventory.layers.values()) {
    const isUsed = references.isLed(id) || left.volumesOf(id).length > 0;
    if (!isUsed || !left.hasMarks(id)) continue;
    const fault = left.faultOf(id);
    const about = { path, repair: null, layerId: id } as const;
    if (fault === undefined) {
      const what =
        'Firn was killed: its map lacks answered writes that were not flushed. ' +
        'The next start of Firn takes them over, if the host is not restarted before.';
      yield { ...about, severity: 'note', code: 'unflushed-marks', what, affects: [] };
    } else {
      const what = `Its log of marks cannot be read: ${fault}`;
      const affects = references.readersOf(id).map(wholly);
      yield { ...about, severity: 'damage', code: 'unreadable-data', what, affects };
    }
  }
}

function hasLogFile({ names }: LayerEntry): boolean {
  return names.some((name) => markLogFiles.includes(name));
}

/** Undefined when there is no log of this boot. */
async function readLog(pool: FilePool, folder: string): Promise<LogState | undefined> {
  const log = new MarkLog(pool, folder);
  try {
    const found = await log.read();
    if (found.length === 0) return undefined;
    for (const { marks } of found) for (const _ of marks) return 'marks';
    return 'empty';
  } catch (error) {
    return { fault: messageOf(error) };
  } finally {
    await log.retire();
  }
}

async function bootIdOfHost(): Promise<Uint8Array | undefined> {
  try {
    return await readBootId(readOnlyFiles);
  } catch (error) {
    throw fromSystemError(error, 'The boot of this host cannot be told');
  }
}
