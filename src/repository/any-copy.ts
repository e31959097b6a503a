import { isOperatingError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';

/** The stores to turn to when what was read has come out damaged. */
export function otherCopies(store: Store): readonly Store[] {
  return store.copies?.slice(1) ?? [];
}

/**
 * What `read` makes of a store, or where that is damaged, of one of its copies. Rejects with what
 * was said first when no copy is better.
 */
export async function fromAnyCopy<T>(store: Store, read: (store: Store) => Promise<T>): Promise<T> {
  try {
    return await read(store);
  } catch (error) {
    if (!isOperatingError(error, 'corrupt')) throw error;
    for (const copy of otherCopies(store)) {
      try {
        return await read(copy);
      } catch (second) {
        if (!isOperatingError(second) || second.code === 'aborted') throw second;
      }
    }
    throw error;
  }
}
