import { KiB } from '../base/bytes.ts';
import { requestBytesMax, type BlockDevice } from '../volume/block-device.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { Request } from './wire.ts';

/** What a prefetch holds in memory while it runs, as it counts in the limits. */
export const prefetchBytes = 128 * KiB;

/**
 * CACHE: reads the data of the range once, so that the host has it in memory when the client comes
 * for it. No more than the longest read is fetched: the rest would push out what is needed sooner.
 */
export async function prefetch(
  device: BlockDevice,
  request: Request,
  means: { readonly pool: BufferPool; readonly isOver: () => boolean },
): Promise<void> {
  const rangeBytes = Math.min(request.lengthBytes, requestBytesMax);
  const target = means.pool.lend(prefetchBytes);
  try {
    for (const extent of await device.extents(request.offsetBytes, rangeBytes)) {
      if (extent.kind !== 'data') continue;
      const end = extent.offsetBytes + extent.lengthBytes;
      for (let at = extent.offsetBytes; at < end && !means.isOver(); at += prefetchBytes) {
        await device.read(at, target.subarray(0, Math.min(prefetchBytes, end - at)));
      }
    }
  } finally {
    means.pool.giveBack(target);
  }
}
