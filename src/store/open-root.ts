import { fileURLToPath } from 'node:url';
import { OperatingError } from '../base/errors.ts';
import { openDirectoryRoot } from './directory.ts';
import type { StoreRoot } from './store.ts';

/** Opens the store root that an operator named. Rejects a URL that no store answers to. */
export function openStoreRoot(url: string): StoreRoot {
  const parsed = URL.parse(url);
  if (parsed === null) {
    throw new OperatingError('invalid_input', `the store ${url} is no URL: try file:///PATH`, {
      field: 'store',
    });
  }
  if (parsed.protocol !== 'file:') {
    throw new OperatingError(
      'invalid_input',
      `there is no store for ${parsed.protocol}// URLs: this version knows file:///PATH`,
      { field: 'store' },
    );
  }
  if (parsed.host !== '' || parsed.search !== '' || parsed.hash !== '') {
    throw new OperatingError(
      'invalid_input',
      `the store ${url} names a host or options: a folder is written file:///PATH`,
      { field: 'store' },
    );
  }
  return openDirectoryRoot(fileURLToPath(parsed));
}
