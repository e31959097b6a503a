import type { FileOperations, OpenFile } from '../layer/file-operations.ts';
import { nodeFileOperations } from '../layer/node-file-operations.ts';

/** What is about to be done; a thrown error is what the file system answers instead. */
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
  return {
    read: (target, position) => hook('read', () => file.read(target, position)),
    write: (content, position) => hook('write', () => file.write(content, position)),
    datasync: () => hook('datasync', () => file.datasync()),
    truncate: (length) => hook('truncate', () => file.truncate(length)),
    punch: (position, length) => hook('punch', () => file.punch(position, length)),
    sizeBytes: () => hook('sizeBytes', () => file.sizeBytes()),
    allocatedBytes: () => hook('allocatedBytes', () => file.allocatedBytes()),
    close: () => file.close(),
  };
}

/** What the system answers when a file operation fails. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made to fail`), { code });
}
