import { blockDeviceContract } from './block-device-contract.ts';
import { openMemoryDevice } from './memory-device.ts';

blockDeviceContract('memory', async (options) => openMemoryDevice(options));
