import type { BlockDevice } from '../volume/block-device.ts';
import { readOnlyDevice } from '../volume/read-only-device.ts';

/**
 * Opens one device for several users at once, who only read; it is closed when the last of them
 * has closed theirs, and opened again for the next.
 */
export function sharedDevice(open: () => BlockDevice): () => Promise<BlockDevice> {
  let shared: BlockDevice | undefined;
  let users = 0;
  return async () => {
    const device = (shared ??= open());
    users += 1;
    let isOpen = true;
    return {
      ...readOnlyDevice(device),
      lengthBytes: device.lengthBytes,
      async close() {
        if (!isOpen) return;
        isOpen = false;
        users -= 1;
        if (users > 0) return;
        shared = undefined;
        await device.close();
      },
    };
  };
}
