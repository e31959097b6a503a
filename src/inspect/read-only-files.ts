import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { OperatingError } from '../base/errors.ts';
import { DescriptorFile } from '../layer/descriptor-file.ts';
import type { FileOperations } from '../layer/file-operations.ts';
import { nodeFileOperations } from '../layer/node-file-operations.ts';

const openFile = promisify(fs.open);

/**
 * The real file system, of which nothing can be changed: what only looks may look at a folder on a
 * medium that refuses writes, and cannot make anything worse.
 */
export const readOnlyFiles: FileOperations = {
  ...nodeFileOperations,
  open: async (path, mode) =>
    mode === 'create' ? refuse() : new DescriptorFile(await openFile(path, 'r')),
  makeFolder: refuse,
  writeDurably: refuse,
  syncFolder: refuse,
  rename: refuse,
  link: refuse,
  remove: refuse,
};

function refuse(): Promise<never> {
  return Promise.reject(new OperatingError('read_only', 'This only looks, and changes nothing.'));
}
