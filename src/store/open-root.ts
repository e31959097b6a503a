import { fileURLToPath } from 'node:url';
import { openDirectoryRoot } from './directory.ts';
import { openS3Root } from './s3.ts';
import type { StoreRoot } from './store.ts';
import { invalidStore } from './store-url.ts';
import { openSwiftRoot } from './swift.ts';

/** Opens the store root that an operator named. Rejects a URL that no store answers to. */
export function openStoreRoot(text: string): StoreRoot {
  switch (URL.parse(text)?.protocol) {
    case 'file:':
      return openDirectoryRoot(folderOf(text));
    case 's3:':
      return openS3Root(text);
    case 'swift:':
      return openSwiftRoot(text);
    case undefined:
      throw invalidStore(text, 'is no URL: try file:///PATH');
    default:
      throw invalidStore(text, 'is of no known kind: file:///PATH, s3://BUCKET, swift://');
  }
}

/** The folder that a `file:` URL names. */
export function folderOf(text: string): string {
  const { host, search, hash, href } = new URL(text);
  if (host + search + hash === '') return fileURLToPath(href);
  throw invalidStore(text, 'names a host or settings: a folder is written file:///PATH');
}
