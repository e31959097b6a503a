/**
 * Makes a backup of a snapshot: plans from the maps what has to be read, reads it, and commits.
 *
 * It may run again for the same backup after a crash at any point and goes on from there:
 *
 * 1. The checkpoint, a second name for the snapshot's layer, exists before the manifest does, so
 * that
 *    the next backup can start from here even when the snapshot is deleted at once.
 * 2. The manifest is the last object written. Once it is there, the backup is, and a rerun only
 *    finishes what comes after.
 * 3. The checkpoints of the volume's older backups are released last, by `releaseOlder`: the next
 *    one starts from here, and the layers between are needed no longer. A clone leaves those of its
 *    source alone.
 */
import { rm } from 'node:fs/promises';
import { assert } from '../base/assert.ts';
import type { Extent } from '../base/extent.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { throwIfAborted } from '../base/abort.ts';
import { settleAll } from '../base/serial.ts';
import { blockBytes } from '../repository/block.ts';
import type { Manifest, ManifestFacts } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import type { BackupWriter } from '../repository/writer.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import type { SnapshotFacts, VolumeEngine } from '../volume/engine.ts';
import { ChangedSectors } from './changed-sectors.ts';
import { checkpointId } from './checkpoint.ts';
import { findParent, type Parent } from './parent.ts';
import { bytesOf, planFull, planIncremental, without } from './read-plan.ts';
import { batchesOf, piecesOf, readBatch } from './read-batches.ts';

export interface BackUpOptions {
  readonly engine: VolumeEngine;
  readonly repository: Repository;
  /** The engine's snapshot to read; it must live until this settles. */
  readonly snapshotId: string;
  readonly facts: BackupFacts;
  /** A local file in which the work done so far is kept; removed at the end. */
  readonly journalPath: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: BackupProgress) => void;
}

/** What a manifest says about a backup beyond what is found out while it is made. */
export type BackupFacts = Omit<ManifestFacts, 'parentId' | 'layerId'>;

export interface BackupProgress {
  /**
   * Bytes that have been read, of those that have to be; zeros and unchanged extents do not count.
   */
  readonly bytesDone: number;
  readonly bytesTotal: number;
  /** Bytes that the store has taken for this backup so far. */
  readonly bytesStored: number;
}

export interface BackupOutcome {
  readonly parentId: string | null;
  readonly layerId: string;
  readonly objectCount: number;
  readonly bytesTotal: number;
  readonly bytesRead: number;
  readonly bytesStored: number;
}

/** How many reads of the snapshot are under way at once: enough to keep a disk busy. */
const readersCount = 4;

export async function backUp(options: BackUpOptions): Promise<BackupOutcome> {
  const { engine, snapshotId, facts } = options;
  const snapshot = await engine.findSnapshot(snapshotId);
  if (snapshot === undefined) {
    throw new OperatingError('not_found', `the snapshot ${snapshotId} is gone`);
  }
  const checkpoint = engine.aliasSnapshot({ snapshotId, aliasId: checkpointId(facts.backupId) });
  const manifest = await whenBothEnded(checkpoint, findOrWrite(options, snapshot, checkpoint));
  await rm(options.journalPath, { force: true });
  return outcomeOf(manifest);
}

/** Nobody is told of a failure while the checkpoint is still being made. */
async function whenBothEnded<T>(checkpoint: Promise<void>, writing: Promise<T>): Promise<T> {
  await settleAll([checkpoint, writing]);
  return await writing;
}

async function findOrWrite(
  options: BackUpOptions,
  snapshot: SnapshotFacts,
  checkpoint: Promise<void>,
): Promise<Manifest> {
  const found = await options.repository.findManifest(options.facts.backupId);
  return found ?? (await writeBackup({ ...options, checkpoint }, snapshot));
}

/**
 * Releases the checkpoints of the same volume that are older than that of a backup. It may run
 * again, and at any time later: it does nothing when the backup, or its checkpoint, is gone.
 */
export async function releaseOlder({
  engine,
  repository,
  backupId: newestId,
}: Pick<BackUpOptions, 'engine' | 'repository'> & { backupId: string }): Promise<void> {
  const snapshot = await engine.findSnapshot(checkpointId(newestId));
  const entries = await repository.backupEntries();
  if (snapshot === undefined || !entries.has(newestId)) return;
  const older = new Set(snapshot.chain.slice(1));
  for (const { backupId, layerId } of entries.values()) {
    if (!older.has(layerId)) continue;
    const checkpoint = await engine.findSnapshot(checkpointId(backupId));
    if (checkpoint?.volumeId !== snapshot.volumeId) continue;
    await engine.deleteSnapshot(checkpoint.snapshotId);
  }
}

interface WriteOptions extends BackUpOptions {
  /** Resolves when the checkpoint is there. */
  readonly checkpoint: Promise<void>;
}

/** The layer of a parent was merged away after it was found. */
class LayerGone extends Error {}

async function writeBackup(options: WriteOptions, snapshot: SnapshotFacts): Promise<Manifest> {
  const { engine, repository, snapshotId } = options;
  const device = await engine.openSnapshot(snapshotId);
  try {
    const gone = new Set<string>();
    for (;;) {
      const parent = await findParent({ engine, repository, snapshotId, gone });
      try {
        return await writeOnto(parent, { ...options, device, layerId: snapshot.layerId });
      } catch (error) {
        if (parent === undefined) throw error;
        const { backupId } = parent.manifest;
        if (error instanceof LayerGone) gone.add(backupId);
        else if (!isOperatingError(error, 'not_found')) throw error;
        // A parent that was deleted before the writer held it: another one serves as well.
        else if ((await repository.findManifest(backupId)) !== undefined) throw error;
      }
    }
  } finally {
    await device.close();
  }
}

async function writeOnto(
  parent: Parent | undefined,
  options: WriteOptions & { device: BlockDevice; layerId: string },
): Promise<Manifest> {
  const { facts, device, layerId } = options;
  const { plan, writer } = await planAndOpen(parent, options, device);
  try {
    await copyRuns({ device, writer, ...plan }, options);
    return await writer.commit({
      ...facts,
      parentId: parent?.manifest.backupId ?? null,
      layerId,
    });
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

interface Plan {
  readonly runs: readonly Extent[];
  /** What differs from the parent; undefined where anything may. */
  readonly changed: ChangedSectors | undefined;
}

/** Does at the same time what waits for something else each. */
async function planAndOpen(
  parent: Parent | undefined,
  options: WriteOptions,
  device: BlockDevice,
): Promise<{ plan: Plan; writer: BackupWriter }> {
  const { repository, journalPath: resumePath, signal } = options;
  const { lengthBytes } = device;
  const onto = parent === undefined ? {} : { parent: parent.manifest };
  const opening = repository.openWriter({ lengthBytes, ...onto, resumePath, signal });
  const planning = planOf(parent, device);
  const [opened] = await Promise.allSettled([opening, planning, options.checkpoint]);
  if (opened.status === 'rejected') throw opened.reason;
  const writer = opened.value;
  try {
    await options.checkpoint;
    return { plan: await planning, writer };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

async function planOf(parent: Parent | undefined, device: BlockDevice): Promise<Plan> {
  if (parent === undefined) {
    return { runs: await planFull(device, blockBytes), changed: undefined };
  }
  const changed = await parent.difference?.();
  if (changed === undefined && parent.difference !== undefined) throw new LayerGone();
  const runs = await planIncremental(device, changed ?? [wholeOf(device)], blockBytes);
  return { runs, changed: changed && new ChangedSectors(changed) };
}

/** All of it, of whose content nothing is known: the device is asked. */
function wholeOf({ lengthBytes }: BlockDevice): Extent {
  return { offsetBytes: 0, lengthBytes, kind: 'absent' };
}

interface Copying extends Plan {
  readonly device: BlockDevice;
  readonly writer: BackupWriter;
}

/** Hands every run that is not done yet to the writer. */
async function copyRuns(
  { device, writer, runs, changed }: Copying,
  { signal, onProgress }: BackUpOptions,
): Promise<void> {
  const left = without(runs, writer.done());
  const bytesTotal = bytesOf(runs, 'data');
  let bytesDone = bytesTotal - bytesOf(left, 'data');
  const report = (): void =>
    onProgress({ bytesDone, bytesTotal, bytesStored: writer.progress().bytesStored });
  report();
  const batches = batchesOf(piecesOf(left, writer.chunkBytes), writer.chunkBytes);
  const copyBatches = async (): Promise<void> => {
    for (const batch of batches) {
      throwIfAborted(signal);
      if (batch.kind === 'zero') {
        writer.zero(batch.extent.offsetBytes, batch.extent.lengthBytes);
        continue;
      }
      const chunk = await writer.reserve();
      await readBatch(device, batch.pieces, chunk.bytes);
      const pieces = batch.pieces.map((piece) =>
        changed === undefined ? piece : { ...piece, changed: changed.masksOf(piece) },
      );
      writer.submit(chunk, pieces);
      bytesDone += batch.lengthBytes;
      report();
    }
  };
  // All have ended before the first failure is told: the device is about to be closed.
  const readers = await Promise.allSettled(Array.from({ length: readersCount }, copyBatches));
  for (const reader of readers) if (reader.status === 'rejected') throw reader.reason;
  assert(bytesDone === bytesTotal, 'every run was read');
}

function outcomeOf(manifest: Manifest): BackupOutcome {
  const { bytesRead, bytesStored, objectCount } = manifest.statistics;
  return {
    parentId: manifest.parentId,
    layerId: manifest.layerId,
    objectCount,
    bytesTotal: bytesRead,
    bytesRead,
    bytesStored,
  };
}
