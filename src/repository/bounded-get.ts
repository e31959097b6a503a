import { OperatingError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';

/**
 * Reads a whole object of at most `bytesMax`. Rejects with `corrupt` when it is larger, before
 * anything is allocated, and with `not_found` when there is none.
 */
export async function getBounded(
  store: Store,
  name: string,
  bytesMax: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const options = signal === undefined ? {} : { signal };
  const sizeBytes = await store.sizeOf(name, options);
  if (sizeBytes === undefined) {
    throw new OperatingError('not_found', `the store ${store.url} holds no ${name}`);
  }
  if (sizeBytes > bytesMax) {
    throw new OperatingError('corrupt', `${name} is larger than such an object can be`);
  }
  return store.get(name, { ...options, range: { offsetBytes: 0, lengthBytes: sizeBytes } });
}
