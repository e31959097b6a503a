import { blockDeviceContract } from './block-device-contract.ts';
import { openMemoryDevice } from './memory-device.ts';
import { readOnlyDevice } from './read-only-device.ts';

blockDeviceContract('read-only wrapper', async ({ lengthBytes, readOnly }) => {
  const device = openMemoryDevice({ lengthBytes });
  return readOnly ? readOnlyDevice(device) : device;
});
