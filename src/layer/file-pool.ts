import { assert } from '../base/assert.ts';
import { fromSystemError } from '../base/errors.ts';
import type { OnBytes } from './direct-reads.ts';
import type { MemoryRange } from '../base/memory-range.ts';
import type { FileOperations, OpenFile, Reading } from './file-operations.ts';
import { Holes } from './holes.ts';

/**
 * Files that are open only while they are used, so that a thousand layers do not need a thousand
 * descriptors. A file with writes that were not synced stays open: the kernel reports a failed
 * write-back only to descriptors that were open at that time.
 */
export class FilePool {
  readonly operations: FileOperations;
  readonly holes: Holes;
  /** The boot that this process belongs to; undefined where it is not known. */
  readonly bootId: Uint8Array | undefined;
  readonly #openMax: number;
  readonly #open = new Set<PooledFile>();

  constructor(operations: FileOperations, openMax = 512, holes = new Holes(), bootId?: Uint8Array) {
    this.operations = operations;
    this.#openMax = openMax;
    this.holes = holes;
    this.bootId = bootId;
  }

  /** A file that is never synced may be closed with writes that were not. */
  file(path: string, { isSynced } = { isSynced: true }): PooledFile {
    return new PooledFile(this, path, isSynced);
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Notes an opened file, and closes the longest open ones that nobody uses. */
  async admit(file: PooledFile): Promise<void> {
    this.#open.add(file);
    let looks = this.#open.size;
    for (const oldest of this.#open) {
      if (this.#open.size <= this.#openMax || looks === 0) return;
      looks -= 1;
      if (oldest === file) continue;
      this.#open.delete(oldest);
      if (!(await oldest.closeIfIdle())) this.#open.add(oldest);
    }
  }

  forget(file: PooledFile): void {
    this.#open.delete(file);
  }
}

/** One file of the pool. Every call opens it if it must; errors are operating errors. */
export class PooledFile {
  readonly path: string;
  readonly #pool: FilePool;
  readonly #isSynced: boolean;
  #file: OpenFile | undefined;
  #opening: Promise<OpenFile> | undefined;
  /** Calls under way; the descriptor stays as long as there are any. */
  #users = 0;
  #usedLately = false;
  #writes = 0;
  #syncedWrites = 0;
  #whenIdle: (() => void)[] = [];
  #retired = false;

  constructor(pool: FilePool, path: string, isSynced: boolean) {
    this.#pool = pool;
    this.path = path;
    this.#isSynced = isSynced;
  }

  read(target: Uint8Array, positionBytes: number): Promise<number> {
    return this.#with('Reading', (file) => file.read(target, positionBytes));
  }

  /** Like that of an open file; refused when it is not open. */
  readNow(target: Uint8Array, positionBytes: number, onEnd?: OnBytes): Reading {
    this.#usedLately = true;
    if (this.#file?.readNow === undefined) return 'refused';
    if (onEnd === undefined) return this.#file.readNow(target, positionBytes);
    const reading = this.#file.readNow(target, positionBytes, (bytes) => {
      onEnd(bytes);
      this.#leave();
    });
    if (reading === 'begun') this.#users += 1;
    return reading;
  }

  /** Like that of an open file; undefined when it is not open. */
  locate(positionBytes: number, lengthBytes: number): MemoryRange | undefined {
    this.#usedLately = true;
    const descriptor = this.#file?.locate?.(positionBytes, lengthBytes);
    return descriptor === undefined ? undefined : { descriptor, positionBytes, lengthBytes };
  }

  writeNow(content: Uint8Array, positionBytes: number): boolean {
    if (this.#file?.writeNow === undefined) return false;
    this.#usedLately = true;
    this.#writes += 1;
    return this.#file.writeNow(content, positionBytes);
  }

  async write(content: Uint8Array, positionBytes: number): Promise<void> {
    await this.#with('Writing', (file) => {
      this.#writes += 1;
      return file.write(content, positionBytes);
    });
    this.#writes += 1;
  }

  /** Like that of an open file; nothing to do when it is not open. Never rejects. */
  async beginWriting(): Promise<void> {
    if (this.#file?.beginWriting === undefined) return;
    this.#users += 1;
    await this.#file.beginWriting().finally(() => this.#leave());
  }

  async datasync(): Promise<void> {
    const writes = this.#writes;
    await this.#with('Syncing', (file) => file.datasync());
    this.#syncedWrites = writes;
  }

  truncate(lengthBytes: number): Promise<void> {
    return this.#with('Truncating', (file) => file.truncate(lengthBytes));
  }

  punch(positionBytes: number, lengthBytes: number): Promise<void> {
    return this.#with('Making a hole in', (file) => file.punch(positionBytes, lengthBytes));
  }

  sizeBytes(): Promise<number> {
    return this.#with('Measuring', (file) => file.sizeBytes());
  }

  allocatedBytes(): Promise<number> {
    return this.#with('Measuring', (file) => file.allocatedBytes());
  }

  /** True when something was written of which no sync has succeeded. */
  get hasUnsynced(): boolean {
    return this.#isSynced && this.#writes !== this.#syncedWrites;
  }

  /** Closes the descriptor once no call is under way; the next call opens it again. */
  async close(): Promise<void> {
    while (this.#users > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    this.#pool.forget(this);
    await this.#closeNow();
  }

  /** Like `close`, and states that nothing is called afterwards: the file is about to go. */
  async retire(): Promise<void> {
    await this.close();
    this.#retired = true;
  }

  /** Closes the descriptor unless it is in use, holds unsynced writes, or was used lately. */
  async closeIfIdle(): Promise<boolean> {
    const lately = this.#usedLately;
    this.#usedLately = false;
    if (this.#users > 0 || lately || this.hasUnsynced) return false;
    await this.#closeNow();
    return true;
  }

  async #closeNow(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) await file.close();
  }

  async #with<T>(doing: string, work: (file: OpenFile) => Promise<T>): Promise<T> {
    assert(!this.#retired, 'a file that was retired is not used');
    this.#users += 1;
    this.#usedLately = true;
    try {
      return await work(this.#file ?? (await this.#openFile()));
    } catch (error) {
      throw fromSystemError(error, `${doing} ${this.path}`);
    } finally {
      this.#leave();
    }
  }

  #leave(): void {
    this.#users -= 1;
    if (this.#users === 0 && this.#whenIdle.length > 0) this.#announceIdle();
  }

  #announceIdle(): void {
    const waiting = this.#whenIdle;
    this.#whenIdle = [];
    for (const resume of waiting) resume();
  }

  #openFile(): Promise<OpenFile> {
    this.#opening ??= (async () => {
      try {
        const file = await this.#pool.operations.open(this.path, 'existing');
        this.#file = file;
        await this.#pool.admit(this);
        return file;
      } finally {
        this.#opening = undefined;
      }
    })();
    return this.#opening;
  }
}
