import type { OnBytes } from './direct-reads.ts';

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

/**
 * What has become of a read that may not wait: `target` is filled; or it is left as it is, and the
 * bytes come later; or neither, and an ordinary read tells.
 */
export type Reading = 'done' | 'begun' | 'refused';

export interface OpenFile {
  /** Reads until `target` is full or the file ends; answers the bytes read. */
  read(target: Uint8Array, positionBytes: number): Promise<number>;
  /** Writes all of `content`. */
  write(content: Uint8Array, positionBytes: number): Promise<void>;
  /**
   * Fills `target` if memory has all of it. Otherwise a read may be begun, whose bytes `onEnd` gets
   * in a later turn. A file without this would refuse.
   */
  readNow?(target: Uint8Array, positionBytes: number, onEnd?: OnBytes): Reading;
  /** The descriptor of the file, if memory has all of a range. A file without this has none. */
  locate?(positionBytes: number, lengthBytes: number): number | undefined;
  /**
   * Writes all of `content` and answers true if that does not seem to take a wait. Otherwise, also
   * when it fails, answers false: some of it may be written, and `write` is to be called.
   */
  writeNow?(content: Uint8Array, positionBytes: number): boolean;
  /**
   * Has the disk begin to write what was written, and does not wait for it: a sync that follows has
   * less to do. What goes wrong is for that sync to say, and this never rejects. A file without
   * it leaves all to the sync.
   */
  beginWriting?(): Promise<void>;
  /** Makes durable what was written. */
  datasync(): Promise<void>;
  truncate(lengthBytes: number): Promise<void>;
  /**
   * Gives a range back to the file system: it reads as zeros afterwards, and the size stays.
   * Rejects with `EOPNOTSUPP` where files have no holes.
   */
  punch(positionBytes: number, lengthBytes: number): Promise<void>;
  sizeBytes(): Promise<number>;
  /** What the file system has set aside for the file. */
  allocatedBytes(): Promise<number>;
  close(): Promise<void>;
}
