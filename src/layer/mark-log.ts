import { join } from 'node:path';
import { MiB } from '../base/bytes.ts';
import { OperatingError, errnoOf, fromSystemError, isOperatingError } from '../base/errors.ts';
import { Serial } from '../base/serial.ts';
import type { FilePool, PooledFile } from './file-pool.ts';
import { createFile } from './layer-folder.ts';
import type { LoggedMark, MarkLogContent } from './mark-log-format.ts';
import {
  formatLogHeader,
  headerCheck,
  logHeaderBytes,
  logRecordBytes,
  markLogFiles,
  parseMarkLog,
  putRecord,
} from './mark-log-format.ts';

/** A file keeps this much when it is emptied, so that it is not always made anew. */
const keptBytes = MiB;

/** One of the two files, as this process has left it. */
interface LogFile {
  readonly file: PooledFile;
  isMade: boolean;
  /** True when something may be there that is to be removed. */
  mayExist: boolean;
  /** Where the next record goes; 0 before the header is written. */
  endBytes: number;
  /** The check value of what is before that. */
  check: number;
}

/**
 * The marks of one layer that its map on disk may lack, in files that are written and never synced:
 * what the death of the process would take with it. The data itself is in the page cache already.
 *
 * Invariants:
 * - A mark counts in memory only when its record is in the file of the generation of that moment,
 *   and that file is emptied only when a flush that began afterwards has succeeded. So at any
 *   moment the map in the file with the logs on top, the older one first, is the map in memory.
 * - Files are written by one at a time, so what was answered is never behind a gap.
 * - Once it was written to, a layer has a log until it is closed, be it an empty one: that is how a
 *   head is known which no record on disk names yet.
 */
export class MarkLog {
  readonly #pool: FilePool;
  readonly #files: readonly [LogFile, LogFile];
  readonly #turns = new Serial();
  #generation = 0;
  #waiting: LoggedMark[] = [];
  #appending: Promise<number> | undefined;
  #failure: OperatingError | undefined;

  constructor(pool: FilePool, folder: string) {
    this.#pool = pool;
    const make = (name: string): LogFile => {
      const file = pool.file(join(folder, name), { isSynced: false });
      return { file, isMade: false, mayExist: false, endBytes: 0, check: 0 };
    };
    this.#files = [make(markLogFiles[0]), make(markLogFiles[1])];
  }

  /** False where the boot is not known: then no log would be believed, and none is written. */
  get isOn(): boolean {
    return this.#pool.bootId !== undefined;
  }

  /** The number of the flush that is to take the marks that are made now. */
  get generation(): number {
    return this.#generation;
  }

  /** What the marks since the last flush take. */
  get sizeBytes(): number {
    return this.#fileOf(this.#generation).endBytes;
  }

  /** Set when something may be in the log that was not acknowledged, and does not go. */
  get failure(): OperatingError | undefined {
    return this.#failure;
  }

  /** Resolves when the mark is in the log, with the generation that it is in. */
  append(mark: LoggedMark): Promise<number> {
    this.#waiting.push(mark);
    this.#appending ??= this.#turns.run(() => {
      this.#appending = undefined;
      return this.#write(this.#waiting.splice(0));
    });
    return this.#appending;
  }

  /** Like `append`, at once; false when that has to wait or fails, and `append` is to be called. */
  appendNow(marks: readonly LoggedMark[]): boolean {
    const log = this.#fileOf(this.#generation);
    if (!this.#turns.isIdle || !log.isMade || this.#failure !== undefined) return false;
    const { content, check } = this.#compose(log, marks);
    if (!log.file.writeNow(content, log.endBytes)) return false;
    log.endBytes += content.byteLength;
    log.check = check;
    return true;
  }

  /**
   * A flush begins; called in the turn in which it copies the marks. Answers what it is to `empty`
   * when it has succeeded.
   */
  take(): number | undefined {
    if (this.sizeBytes <= logHeaderBytes) return undefined;
    this.#generation += 1;
    return this.#generation - 1;
  }

  /** Forgets the marks of a generation, which are durable. */
  empty(generation: number): Promise<void> {
    return this.#turns.run(async () => {
      const log = this.#fileOf(generation);
      const header = this.#header(generation + 2);
      const wasBytes = log.endBytes;
      await log.file.write(header, 0);
      log.endBytes = logHeaderBytes;
      log.check = headerCheck(header);
      if (wasBytes > keptBytes) await log.file.truncate(logHeaderBytes);
    });
  }

  /** Removes the files, with all marks. */
  discard(): Promise<void> {
    return this.#turns.run(async () => {
      for (const log of this.#files) {
        if (!log.mayExist) continue;
        await log.file.close();
        try {
          await this.#pool.operations.remove(log.file.path);
        } catch (error) {
          throw fromSystemError(error, `Removing ${log.file.path}`);
        }
        log.isMade = false;
        log.mayExist = false;
        log.endBytes = 0;
      }
      this.#failure = undefined;
    });
  }

  /** Closes the files for good. */
  async retire(): Promise<void> {
    for (const { file } of this.#files) await file.retire();
  }

  /** What an earlier process of this boot has left, in order; empty when there is nothing. */
  async read(): Promise<MarkLogContent[]> {
    const { bootId } = this.#pool;
    const found: MarkLogContent[] = [];
    for (const log of this.#files) {
      const content = await readWhole(log.file);
      if (content === undefined) continue;
      log.mayExist = true;
      const said = bootId === undefined ? undefined : parseMarkLog(content, bootId);
      if (said !== undefined) found.push(said);
    }
    return found.sort((a, b) => a.generation - b.generation);
  }

  #fileOf(generation: number): LogFile {
    return this.#files[generation % 2 === 0 ? 0 : 1];
  }

  #header(generation: number): Buffer {
    return formatLogHeader(this.#pool.bootId ?? new Uint8Array(), generation);
  }

  async #write(marks: readonly LoggedMark[]): Promise<number> {
    if (this.#failure !== undefined) throw this.#failure;
    const generation = this.#generation;
    const log = this.#fileOf(generation);
    if (!log.isMade) await this.#make(log);
    const { content, check } = this.#compose(log, marks);
    try {
      await log.file.write(content, log.endBytes);
    } catch (error) {
      await this.#cut(log);
      throw error;
    }
    log.endBytes += content.byteLength;
    log.check = check;
    return generation;
  }

  /** What is to be written for the marks, and the check value at its end. */
  #compose(log: LogFile, marks: readonly LoggedMark[]): { content: Buffer; check: number } {
    const header = log.endBytes === 0 ? this.#header(this.#generation) : Buffer.alloc(0);
    const content = Buffer.allocUnsafe(header.byteLength + marks.length * logRecordBytes);
    content.set(header);
    let check = log.endBytes === 0 ? headerCheck(header) : log.check;
    for (const [index, mark] of marks.entries()) {
      check = putRecord(content, header.byteLength + index * logRecordBytes, mark, check);
    }
    return { content, check };
  }

  /** Takes back what a failed write may have left: nobody is told that it is there. */
  async #cut(log: LogFile): Promise<void> {
    try {
      await log.file.truncate(log.endBytes);
    } catch (error) {
      const what = `${log.file.path} may have marks that do not count, and cannot be cut.`;
      this.#failure = new OperatingError('io', what, { cause: error });
    }
  }

  async #make(log: LogFile): Promise<void> {
    log.mayExist = true;
    try {
      await createFile(this.#pool.operations, log.file.path);
    } catch (error) {
      // One whose making has failed may be there all the same, and is empty.
      if (errnoOf(error) !== 'EEXIST') throw fromSystemError(error, `Making ${log.file.path}`);
    }
    log.isMade = true;
  }
}

/** Undefined when there is no such file. */
async function readWhole(file: PooledFile): Promise<Buffer | undefined> {
  try {
    const content = Buffer.alloc(await file.sizeBytes());
    return content.subarray(0, await file.read(content, 0));
  } catch (error) {
    if (isOperatingError(error, 'not_found')) return undefined;
    throw error;
  } finally {
    await file.close();
  }
}
