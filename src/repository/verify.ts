/**
 * Proves backups by reading them back.
 *
 * In a run over all backups each block and node is checked once, however many share it: see
 * `VerifyMemory`. A node counts as good only when everything below it is.
 */
import { throwIfAborted } from '../base/abort.ts';
import { isOperatingError, messageOf, OperatingError } from '../base/errors.ts';
import { readIndex } from './read-index.ts';
import { blockBytes, chunkBlocks, idBytes, isZeroId, leafBytes, nodeIds } from './block.ts';
import { type BlockSource, faultOf, fetchBlocks } from './fetch.ts';
import { indexIdOf } from './index-format.ts';
import type { IndexKeeper } from './index-keeper.ts';
import { listManifests, readManifest } from './manifests.ts';
import { type Manifest, manifestName } from './manifest.ts';
import { spanBytes } from './map.ts';
import type { NodeReader } from './nodes.ts';
import { packIdOf, packName } from './pack-format.ts';
import { readPackContent } from './pack-read.ts';
import { type ByteSpan, runsOfLeaf } from './reader.ts';
import type { SlotPool } from './slot.ts';
import type { Store } from '../store/store.ts';
import { BackupMemory, TableMemory, type VerifyMemory } from './verify-memory.ts';
import {
  type DamagedBackup,
  DamageList,
  type VerifyDepth,
  type VerifyReport,
} from './verify-report.ts';

export interface VerifyOptions {
  readonly signal?: AbortSignal;
  /** Of one backup: all before this was checked earlier. A multiple of 64 MiB. */
  readonly fromBytes?: number;
  /** Only the surroundings of these are checked; everything by default. */
  readonly within?: readonly ByteSpan[];
  /** Which copy of the objects is read, where the store has several; 0, the first, by default. */
  readonly copy?: number;
  /** Called before so many bytes are read from the store; they wait until it resolves. */
  readonly pace?: (bytes: number) => Promise<void>;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

export interface VerifyProgress {
  readonly backupsChecked: number;
  readonly bytesChecked: number;
  /** Up to where the backup that is being checked has been. */
  readonly offsetBytes: number;
  /** What was found in it so far. */
  readonly damaged: DamagedBackup | undefined;
  /** Names of the objects that were found damaged so far. */
  readonly objects: readonly string[];
}

export interface VerifyParts {
  readonly source: BlockSource;
  /** The store with all copies of each object; `source` may read only one of them. */
  readonly whole: Store;
  readonly nodes: NodeReader;
  readonly keeper: IndexKeeper;
  readonly slots: SlotPool;
  readonly slotCount: number;
  /** Keeps prune away from what a backup refers to, until the returned function is called. */
  readonly hold: (manifest: Manifest) => () => void;
  /** What is wrong where blocks are stored and all manifests are gone. */
  readonly findUndescribed: () => Promise<OperatingError | undefined>;
}

/**
 * Checks one backup, or all with every object of the repository. Damage is reported, not thrown.
 */
export async function verifyBackups(
  parts: VerifyParts,
  which: string,
  depth: VerifyDepth,
  options: VerifyOptions,
): Promise<VerifyReport> {
  await parts.keeper.noticePrunes(options.signal);
  const report = await verifyOnce(parts, which, depth, options);
  const isSound = report.objects.length + report.backups.length === 0;
  // What another process has moved meanwhile is not damage.
  if (isSound || !(await parts.keeper.noticePrunes(options.signal))) return report;
  return verifyOnce(parts, which, depth, options);
}

async function verifyOnce(
  parts: VerifyParts,
  which: string,
  depth: VerifyDepth,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const { store, keys, index } = parts.source;
  const memory = which === 'all' ? new TableMemory(index.table) : new BackupMemory();
  const packsBefore = index.packCount;
  const sizes = new Map<string, number>();
  for await (const { name, sizeBytes } of store.list('packs/')) {
    const packId = packIdOf(name);
    if (packId !== undefined) sizes.set(packId, sizeBytes);
  }
  const run = new Verification(parts, { depth, options, sizes, packsBefore, memory });
  if (which === 'all') {
    await run.checkObjects();
    const listed = new Set<string>();
    for await (const found of listManifests(store, keys, options)) {
      listed.add(found.backupId);
      if ('error' in found) run.addManifest(found.backupId, found.error);
      else await run.checkBackup(found);
    }
    if (parts.whole !== store) await run.checkLost(listed);
    if (listed.size === 0) await run.checkDescribed();
    return run.report();
  }
  try {
    await run.checkBackup(await readManifest(store, keys, which));
  } catch (error) {
    if (!isOperatingError(error, 'corrupt')) throw error;
    run.addManifest(which, error);
  }
  return run.report();
}

interface Run {
  readonly depth: VerifyDepth;
  readonly options: VerifyOptions;
  readonly sizes: ReadonlyMap<string, number>;
  /** Packs with a smaller number were there before the listing. */
  readonly packsBefore: number;
  readonly memory: VerifyMemory;
}

class Verification {
  readonly #parts: VerifyParts;
  readonly #run: Run;
  readonly #damage = new DamageList();
  #backupsChecked = 0;
  #blocksChecked = 0;

  constructor(parts: VerifyParts, run: Run) {
    this.#parts = parts;
    this.#run = run;
  }

  get #options(): VerifyOptions {
    return this.#run.options;
  }

  report(): VerifyReport {
    const { objects, backups } = this.#damage;
    const blocksChecked = this.#blocksChecked;
    const bytesChecked = blocksChecked * blockBytes;
    const backupsChecked = this.#backupsChecked;
    const { depth } = this.#run;
    return { depth, backupsChecked, blocksChecked, bytesChecked, objects, backups };
  }

  addManifest(backupId: string, error: Error): void {
    this.#damage.addObject(manifestName(backupId), error.message);
    this.#damage.addBackup(backupId, error.message);
    this.#backupsChecked += 1;
  }

  /** Checks the backups whose manifests are in another copy and not in this one. */
  async checkLost(listed: ReadonlySet<string>): Promise<void> {
    const { whole, source } = this.#parts;
    for await (const found of listManifests(whole, source.keys, this.#options)) {
      const { backupId } = found;
      if (listed.has(backupId)) continue;
      const message = `the manifest ${manifestName(backupId)} is lost`;
      if ('error' in found) this.addManifest(backupId, new OperatingError('corrupt', message));
      // One that is deleted meanwhile is lost in no copy.
      else if (await this.checkBackup(found)) {
        this.#damage.addObject(manifestName(backupId), message);
        this.#damage.addBackup(backupId, message);
      }
    }
  }

  /** Looks whether anything is stored although there is no manifest in any copy. */
  async checkDescribed(): Promise<void> {
    const error = await this.#parts.findUndescribed();
    if (error !== undefined) this.#damage.addObject('backups/', error.message);
  }

  /** Looks at every pack and index, needed by a backup or not. */
  async checkObjects(): Promise<void> {
    const { store, keys, index } = this.#parts.source;
    for (const { name, error } of index.damaged) this.#damage.addObject(name, error.message);
    for (const { packId, number, sizeBytes, condemned } of index.packs()) {
      const later = condemned || number >= this.#run.packsBefore;
      if (later || this.#run.sizes.get(packId) === sizeBytes) continue;
      this.#damage.addObject(packName(packId), `${packName(packId)} is lost or cut short`);
    }
    if (this.#run.depth === 'objects') return;
    for (const [packId, sizeBytes] of this.#run.sizes) {
      await this.#checkObject(packName(packId), () =>
        readPackContent(store, keys, { packId, sizeBytes }),
      );
    }
    for await (const { name } of store.list('indexes/')) {
      const indexId = indexIdOf(name);
      if (indexId !== undefined) {
        await this.#checkObject(name, () => readIndex(store, keys, indexId));
      }
    }
  }

  /** False when the backup was deleted meanwhile. */
  async checkBackup(manifest: Manifest): Promise<boolean> {
    const { backupId, map, lengthBytes } = manifest;
    const release = this.#parts.hold(manifest);
    try {
      // Held first, looked for second: one that was deleted before has nothing to check.
      const sizeBytes = await this.#parts.whole.sizeOf(manifestName(backupId));
      if (sizeBytes === undefined) return false;
      const rootId = Buffer.from(map.rootId, 'hex');
      await this.#checkNode(rootId, map.depth, 0, { backupId, lengthBytes });
    } finally {
      release();
    }
    this.#backupsChecked += 1;
    this.#tell(backupId, lengthBytes);
    return true;
  }

  /** Reads an object; one that prune removed in the meantime is no damage. */
  async #checkObject(name: string, read: () => Promise<unknown>): Promise<void> {
    throwIfAborted(this.#options.signal);
    try {
      await read();
    } catch (error) {
      if (isOperatingError(error, 'not_found')) return;
      if (!isOperatingError(error, 'corrupt')) throw error;
      this.#damage.addObject(name, error.message);
    }
  }

  /** True when the node and everything below is good. */
  async #checkNode(
    id: Uint8Array,
    level: number,
    start: number,
    backup: { backupId: string; lengthBytes: number },
  ): Promise<boolean> {
    const { nodes, source } = this.#parts;
    const { memory } = this.#run;
    const { fromBytes = 0 } = this.#options;
    if (isZeroId(id) || memory.isGood(id) || start + spanBytes(level) <= fromBytes) return true;
    if (!this.#isWithin(start, spanBytes(level))) return true;
    throwIfAborted(this.#options.signal);
    let ids: Uint8Array | undefined;
    try {
      ids = await nodes.read(id, this.#options.signal);
    } catch (error) {
      if (!isOperatingError(error, 'corrupt')) throw error;
      const at = source.index.find(id);
      const name = at === undefined ? 'packs/' : packName(source.index.pack(at.pack).packId);
      this.#damage.addObject(name, messageOf(error));
      this.#addRange(backup, start, spanBytes(level), messageOf(error));
      return false;
    }
    if (ids === undefined) return true;
    const good =
      level === 1
        ? await this.#checkLeaf(ids, start, backup)
        : await this.#checkChildren(ids, level - 1, start, backup);
    if (good) memory.noteGood(id);
    return good;
  }

  async #checkChildren(
    ids: Uint8Array,
    level: number,
    start: number,
    backup: { backupId: string; lengthBytes: number },
  ): Promise<boolean> {
    let good = true;
    for (let at = 0; at < nodeIds; at += 1) {
      const child = ids.subarray(at * idBytes, (at + 1) * idBytes);
      const childAt = start + at * spanBytes(level);
      if (!(await this.#checkNode(child, level, childAt, backup))) good = false;
    }
    return good;
  }

  async #checkLeaf(
    leaf: Uint8Array,
    start: number,
    backup: { backupId: string; lengthBytes: number },
  ): Promise<boolean> {
    const range = { offsetBytes: start, lengthBytes: leafBytes };
    const runs = [...runsOfLeaf(start, leaf, range, chunkBlocks)];
    const reasons = new Map<number, string>();
    const next = runs.values();
    const work = async (): Promise<void> => {
      for (const { offsetBytes, ids } of next) {
        throwIfAborted(this.#options.signal);
        for (const { block, message } of await this.#checkBlocks(ids)) {
          reasons.set(offsetBytes + block * blockBytes, message);
        }
      }
    };
    await Promise.all(Array.from({ length: this.#parts.slotCount }, work));
    for (const offsetBytes of [...reasons.keys()].sort((a, b) => a - b)) {
      this.#addRange(backup, offsetBytes, blockBytes, reasons.get(offsetBytes) ?? '');
    }
    this.#tell(backup.backupId, Math.min(start + leafBytes, backup.lengthBytes));
    return reasons.size === 0;
  }

  /** Checks those blocks that were not checked before, and returns all that are bad. */
  async #checkBlocks(ids: readonly Uint8Array[]): Promise<{ block: number; message: string }[]> {
    const { source, slots } = this.#parts;
    const { memory } = this.#run;
    const bad: { block: number; message: string }[] = [];
    const unknown: { block: number; id: Uint8Array }[] = [];
    for (const [block, id] of ids.entries()) {
      if (memory.isGood(id)) continue;
      if (this.#isLost(id) || memory.isBad(id)) {
        const { object, error } = faultOf(source.index, block, id);
        this.#damage.addObject(object, error.message);
        bad.push({ block, message: error.message });
      } else unknown.push({ block, id });
    }
    if (unknown.length === 0) return bad;
    this.#blocksChecked += unknown.length;
    await this.#options.pace?.(unknown.length * blockBytes);
    const slot = await slots.take();
    try {
      const wanted = unknown.map(({ id }) => id);
      const faults =
        this.#run.depth === 'objects'
          ? []
          : await fetchBlocks(source, slot, wanted, this.#options.signal);
      for (const { block, object, error } of faults) {
        this.#damage.addObject(object, error.message);
        const { block: at, id } = unknown[block] ?? { block: 0, id: new Uint8Array(idBytes) };
        memory.noteBad(id);
        bad.push({ block: at, message: error.message });
      }
    } finally {
      slots.give(slot);
    }
    for (const { id } of unknown) {
      if (!memory.isBad(id)) memory.noteGood(id);
    }
    return bad;
  }

  #isWithin(start: number, lengthBytes: number): boolean {
    return (
      this.#options.within?.some(
        (span) =>
          start < span.offsetBytes + span.lengthBytes && span.offsetBytes < start + lengthBytes,
      ) ?? true
    );
  }

  #isLost(id: Uint8Array): boolean {
    const { index } = this.#parts.source;
    const at = index.find(id);
    if (at === undefined) return true;
    const { packId, sizeBytes } = index.pack(at.pack);
    // A pack that came after the listing is there, or its writer would have failed.
    return this.#run.sizes.get(packId) !== sizeBytes && at.pack < this.#run.packsBefore;
  }

  #addRange(
    { backupId, lengthBytes }: { backupId: string; lengthBytes: number },
    offsetBytes: number,
    spanBytes: number,
    message: string,
  ): void {
    const length = Math.min(spanBytes, lengthBytes - offsetBytes);
    this.#damage.addRange(backupId, { offsetBytes, lengthBytes: length }, message);
  }

  #tell(backupId: string, offsetBytes: number): void {
    this.#options.onProgress?.({
      backupsChecked: this.#backupsChecked,
      bytesChecked: this.#blocksChecked * blockBytes,
      offsetBytes,
      damaged: this.#damage.find(backupId),
      objects: this.#damage.objectNames,
    });
  }
}
