import type { BlockDevice } from '../volume/block-device.ts';
import type { Owner, RateLimit } from './rate-limit.ts';

/**
 * The same device, whose reads and writes keep within the limits of its volume. Zeros and trims
 * count as requests that move no bytes; a flush and a look at the extents are free. Only what has
 * no limit is done at once.
 */
export function limitedDevice(device: BlockDevice, limit: RateLimit, owner: Owner): BlockDevice {
  const { immediate } = device;
  return {
    immediate: immediate && {
      read: (offsetBytes, target, onEnd) =>
        limit.counts('read') ? 'refused' : immediate.read(offsetBytes, target, onEnd),
      locate: (offsetBytes, lengthBytes) =>
        limit.counts('read') ? undefined : immediate.locate?.(offsetBytes, lengthBytes),
      write: (offsetBytes, data, done) =>
        !limit.counts('write') && immediate.write(offsetBytes, data, done),
      settle: () => immediate.settle(),
    },
    get lengthBytes() {
      return device.lengthBytes;
    },
    readOnly: device.readOnly,
    read(offsetBytes, target) {
      const wait = limit.take('read', target.byteLength, owner);
      if (wait === undefined) return device.read(offsetBytes, target);
      return wait.then(() => device.read(offsetBytes, target));
    },
    write(offsetBytes, data) {
      const wait = limit.take('write', data.byteLength, owner);
      if (wait === undefined) return device.write(offsetBytes, data);
      return wait.then(() => device.write(offsetBytes, data));
    },
    zero(offsetBytes, lengthBytes) {
      const wait = limit.take('write', 0, owner);
      if (wait === undefined) return device.zero(offsetBytes, lengthBytes);
      return wait.then(() => device.zero(offsetBytes, lengthBytes));
    },
    trim(offsetBytes, lengthBytes) {
      const wait = limit.take('write', 0, owner);
      if (wait === undefined) return device.trim(offsetBytes, lengthBytes);
      return wait.then(() => device.trim(offsetBytes, lengthBytes));
    },
    flush: () => device.flush(),
    extents: (offsetBytes, lengthBytes) => device.extents(offsetBytes, lengthBytes),
    close: () => device.close(),
  };
}
