import * as fs from 'node:fs';
import { link, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { syncFolder, writeDurably } from '../base/durable-file.ts';
import { DescriptorFile } from './descriptor-file.ts';
import type { FileOperations } from './file-operations.ts';

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
