import { dirname, join } from 'node:path';
import { fromSystemError } from '../base/errors.ts';
import { Serial } from '../base/serial.ts';
import type { FileOperations } from '../layer/file-operations.ts';
import { GroupCommit } from '../layer/group-commit.ts';
import type { LiveVolume } from './live-volume.ts';
import type { SnapshotRecord, VolumeRecord } from './volume-record.ts';
import { formatVolumeRecord, parseVolumeRecord, recordSuffix } from './volume-record.ts';

/**
 * A volume as the engine knows it. `durable` is the record on disk; `record` runs ahead of it only
 * between the exchange of a head and the commit of that. Nothing that either of them refers to may
 * be given back.
 */
export class VolumeState {
  record: VolumeRecord;
  durable: VolumeRecord;
  /** One change of the record at a time. */
  readonly control = new Serial();
  /** Set while somebody uses the volume. */
  live: LiveVolume | undefined;
  /** Open devices of the volume. */
  devices = 0;
  /** Open devices of its snapshots. */
  snapshotDevices = 0;
  readonly #path: string;
  readonly #operations: FileOperations;
  readonly #settleNames: () => Promise<void>;
  #isRemoved = false;
  /** Reading the record again and writing it: what was read is what is there then. */
  readonly #disk = new Serial();
  readonly #commit = new GroupCommit(() => this.#disk.run(() => this.#commitNow()));

  /** `settleNames` makes the names of all layers durable, which a record may refer to. */
  constructor(
    folder: string,
    record: VolumeRecord,
    operations: FileOperations,
    settleNames: () => Promise<void>,
  ) {
    this.#path = join(folder, record.id + recordSuffix);
    this.#operations = operations;
    this.#settleNames = settleNames;
    this.record = record;
    this.durable = record;
  }

  get id(): string {
    return this.record.id;
  }

  /** A snapshot that is durable, and is to stay: a change that failed may have reached the disk. */
  snapshot(id: string): SnapshotRecord | undefined {
    if (!this.record.snapshots.some((snapshot) => snapshot.id === id)) return undefined;
    return this.durable.snapshots.find((snapshot) => snapshot.id === id);
  }

  /** Makes the record durable as it is now, if it is not. */
  async commit(): Promise<void> {
    if (this.record !== this.durable && !this.#isRemoved) await this.#commit.run();
  }

  /** Changes the record and makes that durable; when it rejects, the change was taken back. */
  async change(change: Partial<VolumeRecord>): Promise<void> {
    const before = this.record;
    this.record = { ...before, ...change };
    try {
      await this.commit();
    } catch (error) {
      // A copy: what is on disk is not known now, so the next commit writes in any case.
      this.record = { ...before };
      throw error;
    }
  }

  /** Takes a record that is durable already, together with those of other volumes. */
  adopt(record: VolumeRecord): void {
    this.record = record;
    this.durable = record;
  }

  /** Writes the record as it is now, also when it is durable. */
  async write(): Promise<void> {
    if (!this.#isRemoved) await this.#commit.run();
  }

  /** Writes the record for the first time. */
  create(): Promise<void> {
    return this.#write(this.record);
  }

  /**
   * Takes the record as it is on disk, after a failure that leaves open what is there. Its name is
   * made durable first: one that a power cut could still take back must not be built upon.
   */
  reload(): Promise<void> {
    return this.#disk.run(async () => {
      try {
        await this.#operations.syncFolder(dirname(this.#path));
      } catch (error) {
        throw fromSystemError(error, `Reading volume ${this.id} again`);
      }
      this.durable = await readVolumeRecord(this.#operations, this.#path, this.id);
      this.record = this.durable;
    });
  }

  /** Removes the record, which removes the volume. */
  async remove(folder: string): Promise<void> {
    this.#isRemoved = true;
    try {
      await this.#operations.remove(this.#path);
      await this.#operations.syncFolder(folder);
    } catch (error) {
      // The volume is still there; whether its record is, is not known, so the next commit writes.
      this.#isRemoved = false;
      this.record = { ...this.record };
      throw fromSystemError(error, `Removing volume ${this.id}`);
    }
  }

  async #commitNow(): Promise<void> {
    const { record, durable } = this;
    await this.#write(record);
    // A record that was adopted meanwhile is newer than this one.
    if (this.durable === durable) this.durable = record;
  }

  async #write(record: VolumeRecord): Promise<void> {
    try {
      await this.#settleNames();
      await this.#operations.writeDurably(this.#path, formatVolumeRecord(record));
    } catch (error) {
      throw fromSystemError(error, `Writing the record of volume ${this.id}`);
    }
  }
}

/** Reads the record of a volume. Rejects with `corrupt` when it is damaged. */
export async function readVolumeRecord(
  operations: FileOperations,
  path: string,
  id: string,
): Promise<VolumeRecord> {
  let text: string;
  try {
    text = await operations.readText(path);
  } catch (error) {
    throw fromSystemError(error, `Reading ${path}`);
  }
  return parseVolumeRecord(text, id);
}
