import type { FileOperations, OpenFile } from '../layer/file-operations.ts';
import { nodeFileOperations } from '../layer/node-file-operations.ts';

/**
 * What is about to be done; a thrown error is what the file system answers instead. A write that is
 * to fail with `ShortWrite` does its first half before.
 */
export type BeforeOperation = (operation: string, path: string) => void;

/** A file system behind a hook, for tests that make some operation fail. */
export function hookedFileOperations(
  before: BeforeOperation,
  real: FileOperations = nodeFileOperations,
): FileOperations {
  const hook = async <T>(name: string, path: string, work: () => Promise<T>): Promise<T> => {
    before(name, path);
    return work();
  };
  return {
    open: (path, mode) =>
      hook('open', path, async () => hookedFile(await real.open(path, mode), path, before)),
    makeFolder: (path) => hook('makeFolder', path, () => real.makeFolder(path)),
    list: (folder) => hook('list', folder, () => real.list(folder)),
    readText: (path) => hook('readText', path, () => real.readText(path)),
    writeDurably: (path, content) =>
      hook('writeDurably', path, () => real.writeDurably(path, content)),
    syncFolder: (folder) => hook('syncFolder', folder, () => real.syncFolder(folder)),
    rename: (from, to) => hook('rename', from, () => real.rename(from, to)),
    link: (existing, name) => hook('link', existing, () => real.link(existing, name)),
    remove: (path) => hook('remove', path, () => real.remove(path)),
  };
}

function hookedFile(file: OpenFile, path: string, before: BeforeOperation): OpenFile {
  const hook = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    before(name, path);
    return work();
  };
  /** What made a write at once fail: the caller writes again, and is told then. */
  let failed: unknown;
  const beforeWrite = (): void => {
    const failure = failed;
    failed = undefined;
    if (failure !== undefined) throw failure;
    before('write', path);
  };
  return {
    read: (target, position) => hook('read', () => file.read(target, position)),
    write: async (content, position) => {
      try {
        beforeWrite();
      } catch (error) {
        if (!(error instanceof ShortWrite)) throw error;
        await file.write(content.subarray(0, content.byteLength / 2), position);
        throw systemError(error.code);
      }
      await file.write(content, position);
    },
    writeNow: (content, position) => {
      try {
        beforeWrite();
      } catch (error) {
        failed = error;
        return false;
      }
      return file.writeNow?.(content, position) === true;
    },
    datasync: () => hook('datasync', () => file.datasync()),
    truncate: (length) => hook('truncate', () => file.truncate(length)),
    punch: (position, length) => hook('punch', () => file.punch(position, length)),
    sizeBytes: () => hook('sizeBytes', () => file.sizeBytes()),
    allocatedBytes: () => hook('allocatedBytes', () => file.allocatedBytes()),
    close: () => file.close(),
  };
}

/** Lets a write end in its middle. */
export class ShortWrite extends Error {
  readonly code: string;

  constructor(code: string) {
    super(`${code}: made to end in the middle`);
    this.code = code;
  }
}

/** What the system answers when a file operation fails. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made to fail`), { code });
}
