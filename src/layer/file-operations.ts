import * as fs from 'node:fs';
import { link, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { syncFolder, writeDurably } from '../base/durable-file.ts';

/**
 * Everything that layers and volumes ask of the file system. It is an argument, so that a test can
 * make the n-th call fail. Errors are the system's own; callers say what they were doing.
 */
export interface FileOperations {
  /** Opens a file for reading and writing; `create` makes a new, empty one. */
  open(path: string, mode: 'existing' | 'create'): Promise<OpenFile>;
  /** Makes a folder and those above it. */
  makeFolder(path: string): Promise<void>;
  list(folder: string): Promise<string[]>;
  readText(path: string): Promise<string>;
  /** Replaces a file whole or not at all, durably. */
  writeDurably(path: string, content: string): Promise<void>;
  syncFolder(folder: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Gives an existing file a second name. */
  link(existing: string, name: string): Promise<void>;
  /** Removes a file, or a folder with what is in it; one that is not there is no error. */
  remove(path: string): Promise<void>;
}

export interface OpenFile {
  /** Reads until `target` is full or the file ends; answers the bytes read. */
  read(target: Uint8Array, positionBytes: number): Promise<number>;
  /** Writes all of `content`. */
  write(content: Uint8Array, positionBytes: number): Promise<void>;
  /** Makes durable what was written. */
  datasync(): Promise<void>;
  truncate(lengthBytes: number): Promise<void>;
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}

/** The real file system. */
export const nodeFileOperations: FileOperations = {
  open: (path, mode) =>
    new Promise((resolve, reject) => {
      fs.open(path, mode === 'create' ? 'wx+' : 'r+', 0o600, (error, descriptor) => {
        if (error === null) resolve(new DescriptorFile(descriptor));
        else reject(error);
      });
    }),
  makeFolder: async (path) => {
    await mkdir(path, { recursive: true });
  },
  list: (folder) => readdir(folder),
  readText: (path) => readFile(path, 'utf8'),
  writeDurably: (path, content) => writeDurably(path, content, { mode: 0o600 }),
  syncFolder,
  rename,
  link,
  remove: (path) => rm(path, { force: true, recursive: true }),
};

/** A file by its descriptor: callbacks cost less than a `FileHandle` for each small read. */
class DescriptorFile implements OpenFile {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  read(target: Uint8Array, positionBytes: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const next = (done: number): void => {
        const left = target.byteLength - done;
        fs.read(this.#descriptor, target, done, left, positionBytes + done, (error, count) => {
          if (error !== null) reject(error);
          else if (count === left || count === 0) resolve(done + count);
          else next(done + count);
        });
      };
      next(0);
    });
  }

  write(content: Uint8Array, positionBytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const next = (done: number): void => {
        const left = content.byteLength - done;
        fs.write(this.#descriptor, content, done, left, positionBytes + done, (error, count) => {
          if (error !== null) reject(error);
          else if (count === left) resolve();
          else next(done + count);
        });
      };
      next(0);
    });
  }

  datasync(): Promise<void> {
    return settle((done) => fs.fdatasync(this.#descriptor, done));
  }

  truncate(lengthBytes: number): Promise<void> {
    return settle((done) => fs.ftruncate(this.#descriptor, lengthBytes, done));
  }

  sizeBytes(): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.fstat(this.#descriptor, (error, facts) => {
        if (error === null) resolve(facts.size);
        else reject(error);
      });
    });
  }

  close(): Promise<void> {
    return settle((done) => fs.close(this.#descriptor, done));
  }
}

function settle(start: (done: (error: Error | null | undefined) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
