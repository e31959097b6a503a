import type { BlockDevice } from './block-device.ts';

/** A stretch of a device as one of its own, such as a partition. Closing it closes `device`. */
export function rangeDevice(
  device: BlockDevice,
  { offsetBytes: start, lengthBytes }: { offsetBytes: number; lengthBytes: number },
): BlockDevice {
  return {
    lengthBytes,
    readOnly: device.readOnly,
    read: (offsetBytes, target) => device.read(start + offsetBytes, target),
    write: (offsetBytes, data) => device.write(start + offsetBytes, data),
    zero: (offsetBytes, length) => device.zero(start + offsetBytes, length),
    trim: (offsetBytes, length) => device.trim(start + offsetBytes, length),
    flush: () => device.flush(),
    async extents(offsetBytes, length) {
      const extents = await device.extents(start + offsetBytes, length);
      return extents.map((each) => ({ ...each, offsetBytes: each.offsetBytes - start }));
    },
    close: () => device.close(),
  };
}
