import { join } from 'node:path';
import { OperatingError, errnoOf, fromSystemError } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import { Serial, settleAll } from '../base/serial.ts';
import type { FileOperations } from '../layer/file-operations.ts';
import { parseJson } from '../layer/layer-record.ts';
import type { VolumeRecord } from './volume-record.ts';
import {
  formatVolumeRecord,
  isName,
  parseVolumeValue,
  recordSuffix,
  volumeValue,
} from './volume-record.ts';
import type { VolumeState } from './volume-state.ts';

export const pendingFile = 'records.pending';
const formatVersion = 1;

/** A volume and the record that it gets. */
export interface RecordChange {
  readonly volume: VolumeState;
  readonly record: VolumeRecord;
}

/**
 * Changes the records of several volumes together, all or none, by a file that holds all of them
 * (docs/formats/layer.md). That file being durable is the commit. The single records are written
 * afterwards, and before anything else changes one of them; then the file goes.
 *
 * Invariants:
 * - A volume whose record is in the file changes no more until the file is durably gone: whoever
 *   changes it calls `finish` first.
 * - After a failure it is not known whether the file is there: what it holds stays possible, and
 *   nothing is given back, until it is gone.
 */
export class PendingRecords {
  readonly #folder: string;
  readonly #operations: FileOperations;
  #unfinished: { readonly changes: readonly RecordChange[]; isCommitted: boolean } | undefined;
  readonly #turns = new Serial();

  constructor(folder: string, operations: FileOperations) {
    this.#folder = folder;
    this.#operations = operations;
  }

  /** True while the file is there, or may be. */
  get isUnfinished(): boolean {
    return this.#unfinished !== undefined;
  }

  /** Writes the single records of a commit that a crash has cut off; before any is read. */
  async recover(): Promise<void> {
    const text = await this.#read();
    if (text === undefined) return;
    for (const record of parsePending(text)) {
      const path = join(this.#folder, record.id + recordSuffix);
      await this.#operations.writeDurably(path, formatVolumeRecord(record));
    }
    await this.#remove();
  }

  /**
   * Gives all these volumes their new records, durably, or none of them. Called with the controls
   * of all the volumes.
   */
  commit(changes: readonly RecordChange[]): Promise<void> {
    return this.#turns.run(async () => {
      await this.#finishNow();
      const unfinished = { changes, isCommitted: false };
      this.#unfinished = unfinished;
      const content = formatPending(changes.map(({ record }) => record));
      try {
        await this.#operations.writeDurably(join(this.#folder, pendingFile), content);
      } catch (error) {
        throw fromSystemError(error, 'Writing the records of several volumes');
      }
      unfinished.isCommitted = true;
      for (const { volume, record } of changes) volume.adopt(record);
    });
  }

  /**
   * Ends what the last commit has left to do; with a volume, only if that is concerned. Rejects
   * when that fails, and can be called again.
   */
  async finish(volume?: VolumeState): Promise<void> {
    const changes = this.#unfinished?.changes ?? [];
    if (volume !== undefined && !changes.some((change) => change.volume === volume)) return;
    if (changes.length > 0) await this.#turns.run(() => this.#finishNow());
  }

  async #finishNow(): Promise<void> {
    if (this.#unfinished === undefined) return;
    const { changes, isCommitted } = this.#unfinished;
    if (isCommitted) await settleAll(changes.map(({ volume }) => volume.write()));
    try {
      await this.#remove();
    } catch (error) {
      throw fromSystemError(error, 'Removing the records of several volumes');
    }
    this.#unfinished = undefined;
  }

  async #remove(): Promise<void> {
    await this.#operations.remove(join(this.#folder, pendingFile));
    await this.#operations.syncFolder(this.#folder);
  }

  async #read(): Promise<string | undefined> {
    try {
      return await this.#operations.readText(join(this.#folder, pendingFile));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }
}

function formatPending(records: readonly VolumeRecord[]): string {
  return `${JSON.stringify({ formatVersion, volumes: records.map(volumeValue) })}\n`;
}

/** Throws `corrupt`: what the volumes hold is not known then, so none of them is opened. */
export function parsePending(text: string): VolumeRecord[] {
  const value = parseJson(text, pendingFile);
  if (!isJsonObject(value) || value['formatVersion'] !== formatVersion) throw damaged();
  const { volumes } = value;
  if (!Array.isArray(volumes)) throw damaged();
  return volumes.map((each: unknown) => {
    const id = isJsonObject(each) ? each['id'] : undefined;
    if (typeof id !== 'string' || !isName(id)) throw damaged();
    return parseVolumeValue(each, id);
  });
}

function damaged(): OperatingError {
  return new OperatingError(
    'corrupt',
    `${pendingFile} is damaged: it lists no records of volumes.`,
  );
}
