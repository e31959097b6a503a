import { OperatingError } from '../base/errors.ts';
import type { BlockDevice } from './block-device.ts';

/** The same bytes, which cannot be changed through this device. Closing it closes `device`. */
export function readOnlyDevice(device: BlockDevice): BlockDevice {
  const refuse = (): Promise<never> =>
    Promise.reject(new OperatingError('read_only', 'this device is read-only'));
  const { immediate } = device;
  return {
    get lengthBytes() {
      return device.lengthBytes;
    },
    readOnly: true,
    read: (offsetBytes, target) => device.read(offsetBytes, target),
    write: refuse,
    zero: refuse,
    trim: refuse,
    flush: () => Promise.resolve(),
    extents: (offsetBytes, lengthBytes) => device.extents(offsetBytes, lengthBytes),
    close: () => device.close(),
    immediate: immediate && {
      read: (offsetBytes, target, onEnd) => immediate.read(offsetBytes, target, onEnd),
      locate: (offsetBytes, lengthBytes) => immediate.locate?.(offsetBytes, lengthBytes),
      write: () => false,
      settle: () => undefined,
    },
  };
}
