import { roundUp, KiB, MiB } from '../base/bytes.ts';
import type { Extent } from '../base/extent.ts';
import { type BlockDevice, readEach, type WantedRead } from '../volume/block-device.ts';
import {
  type DeviceFacts,
  type SharedRange,
  sharedRange,
  sharedReads,
  type ThreadCalls,
} from './calls.ts';

type DeviceCalls = Pick<
  ThreadCalls,
  'read' | 'readAll' | 'write' | 'zero' | 'trim' | 'flush' | 'extents' | 'closeDevice'
>;

/** A device that is open in the data plane's thread. */
export class RemoteDevice implements BlockDevice {
  readonly readOnly: boolean;
  readonly #device: number;
  readonly #calls: DeviceCalls;
  readonly #memory: SharedMemory;
  readonly #onClose: (device: RemoteDevice) => void;
  #lengthBytes: number;
  #isClosed = false;

  constructor(
    facts: DeviceFacts,
    calls: DeviceCalls,
    memory: SharedMemory,
    onClose: (device: RemoteDevice) => void,
  ) {
    this.readOnly = facts.readOnly;
    this.#device = facts.device;
    this.#lengthBytes = facts.lengthBytes;
    this.#calls = calls;
    this.#memory = memory;
    this.#onClose = onClose;
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** The volume has grown. */
  grow(lengthBytes: number): void {
    this.#lengthBytes = Math.max(this.#lengthBytes, lengthBytes);
  }

  /** Memory that both threads see is filled where it lies; other memory costs a copy. */
  async read(offsetBytes: number, target: Uint8Array): Promise<void> {
    const shared = sharedRange(target);
    if (shared !== undefined) return this.#calls.read(this.#device, offsetBytes, shared);
    await this.#memory.with(target.byteLength, async (range, bytes) => {
      await this.#calls.read(this.#device, offsetBytes, range);
      target.set(bytes);
    });
  }

  async readAll(reads: readonly WantedRead[]): Promise<void> {
    const shared = sharedReads(reads);
    await (shared === undefined
      ? readEach(this, reads)
      : this.#calls.readAll(this.#device, shared));
  }

  async write(offsetBytes: number, content: Uint8Array): Promise<void> {
    const shared = sharedRange(content);
    if (shared !== undefined) return this.#calls.write(this.#device, offsetBytes, shared);
    await this.#memory.with(content.byteLength, async (range, bytes) => {
      bytes.set(content);
      await this.#calls.write(this.#device, offsetBytes, range);
    });
  }

  zero(offsetBytes: number, lengthBytes: number): Promise<void> {
    return this.#calls.zero(this.#device, offsetBytes, lengthBytes);
  }

  trim(offsetBytes: number, lengthBytes: number): Promise<void> {
    return this.#calls.trim(this.#device, offsetBytes, lengthBytes);
  }

  flush(): Promise<void> {
    return this.#calls.flush(this.#device);
  }

  extents(offsetBytes: number, lengthBytes: number): Promise<Extent[]> {
    return this.#calls.extents(this.#device, offsetBytes, lengthBytes);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose(this);
    await this.#calls.closeDevice(this.#device);
  }
}

/** Ranges are lent in multiples of this, so that few sizes come up. */
const unitBytes = 64 * KiB;
/** Memory that lies ready for the next calls. */
const readyBytesMax = 16 * MiB;

/** Memory through which bytes cross between the threads, used again. */
export class SharedMemory {
  readonly #ready: SharedArrayBuffer[] = [];
  #readyBytes = 0;

  /** Lends a range of `lengthBytes`, with any content, while `work` runs. */
  async with<T>(
    lengthBytes: number,
    work: (range: SharedRange, bytes: Uint8Array) => Promise<T>,
  ): Promise<T> {
    const memory = this.#take(roundUp(lengthBytes, unitBytes));
    try {
      const bytes = new Uint8Array(memory, 0, lengthBytes);
      return await work({ memory, offsetBytes: 0, lengthBytes }, bytes);
    } finally {
      this.#giveBack(memory);
    }
  }

  #take(lengthBytes: number): SharedArrayBuffer {
    const at = this.#ready.findIndex(({ byteLength }) => byteLength === lengthBytes);
    const [found] = at === -1 ? [] : this.#ready.splice(at, 1);
    if (found === undefined) return new SharedArrayBuffer(lengthBytes);
    this.#readyBytes -= lengthBytes;
    return found;
  }

  #giveBack(memory: SharedArrayBuffer): void {
    this.#ready.push(memory);
    this.#readyBytes += memory.byteLength;
    while (this.#readyBytes > readyBytesMax) {
      this.#readyBytes -= this.#ready.shift()?.byteLength ?? 0;
    }
  }
}
