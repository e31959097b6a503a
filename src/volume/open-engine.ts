import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { systemClock } from '../base/clock.ts';
import { errnoOf, fromSystemError, messageOf } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import type { BackingSource } from '../layer/backing.ts';
import type { FileOperations } from '../layer/file-operations.ts';
import { nodeFileOperations } from '../layer/node-file-operations.ts';
import { FilePool } from '../layer/file-pool.ts';
import { Holes } from '../layer/holes.ts';
import type { LayerLimits } from '../layer/layer.ts';
import { bootIdPath, parseBootId } from '../layer/mark-log-format.ts';
import type { VolumeEngine } from './engine.ts';
import type { FreezeTimes } from './freeze-times.ts';
import { LayerShelf } from './layer-shelf.ts';
import { OwnerBudget } from './owner-budget.ts';
import { LayerVolumeEngine } from './volume-engine.ts';
import { VolumeSet } from './volume-set.ts';

const wantedOpenFiles = 4096;

/** The engine on layers, with what tests and shutdown want to wait for. */
export interface OpenedEngine extends VolumeEngine {
  /** How long changes had to wait for freezes so far. */
  readonly freezeTimes: FreezeTimes;
  /** Resolves when all that nobody needs has been given back; rejects when that has failed. */
  settled(): Promise<void>;
}

/**
 * Opens a folder of volumes, and makes it when it is missing. Nobody else may have it open.
 *
 * Takes over what a killed process has acknowledged, sweeps what a crash left, and takes up merges
 * again in the background. `report` is told when the background work fails, which loses nothing and
 * is tried again after the next change.
 */
export async function openVolumeEngine(options: {
  folder: string;
  clock?: Clock;
  fs?: FileOperations;
  report?: (error: unknown) => void;
  /** Where volumes that are restored while they are in use get their bytes from. */
  source?: BackingSource;
  /** How much of a layer may wait to become durable, if not as much as usual. */
  limits?: LayerLimits;
}): Promise<OpenedEngine> {
  const operations = options.fs ?? nodeFileOperations;
  const layersFolder = join(options.folder, 'layers');
  const recordsFolder = join(options.folder, 'volumes');
  const report = options.report ?? warn;
  let volumes: VolumeSet;
  try {
    const bootId = await readBootId(operations);
    const pool = new FilePool(operations, openFilesMax(), new Holes(report), bootId);
    const shelf = new LayerShelf(layersFolder, pool, options.source, options.limits);
    volumes = new VolumeSet(recordsFolder, shelf, operations, new OwnerBudget());
    await operations.makeFolder(layersFolder);
    await operations.makeFolder(recordsFolder);
    await operations.syncFolder(options.folder);
    await volumes.load();
  } catch (error) {
    throw fromSystemError(error, `Opening the volumes in ${options.folder}`);
  }
  return new LayerVolumeEngine(volumes, options.clock ?? systemClock, report);
}

/**
 * The boot that this process belongs to; undefined on hosts that have no such id. Where there is
 * one it must be known: else writes that a killed process acknowledged would be taken for lost.
 */
export async function readBootId(operations: FileOperations): Promise<Uint8Array | undefined> {
  try {
    return parseBootId(await operations.readText(bootIdPath));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * How many files of layers stay open: enough for two thousand layers, so that a volume with many
 * snapshots is read like one with few, and half of what the process may have.
 */
function openFilesMax(): number {
  const report: unknown = process.report.getReport();
  const limits = isJsonObject(report) ? report['userLimits'] : undefined;
  const files = isJsonObject(limits) ? limits['open_files'] : undefined;
  const most = isJsonObject(files) ? files['soft'] : undefined;
  // Unlimited is a word there.
  return typeof most === 'number'
    ? Math.min(wantedOpenFiles, Math.floor(most / 2))
    : wantedOpenFiles;
}

function warn(error: unknown): void {
  process.emitWarning(`Background work on volumes has failed: ${messageOf(error)}`);
}
