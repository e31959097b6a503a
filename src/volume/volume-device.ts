import { assert, assertBytes } from '../base/assert.ts';
import { OperatingError } from '../base/errors.ts';
import type { Extent } from '../base/extent.ts';
import type { BlockDevice, ImmediateDevice } from './block-device.ts';
import { requestBytesMax } from './block-device.ts';
import type { Chain } from './chain.ts';
import { chainExtents, locateInChain, readChain, readChainNow } from './chain-reader.ts';
import type { LiveVolume } from './live-volume.ts';

/** States the obligations of a caller (block-device.ts). */
function assertRange(
  device: BlockDevice,
  isClosed: boolean,
  offsetBytes: number,
  lengthBytes: number,
): void {
  assert(!isClosed, 'nothing is called after close');
  assertBytes(offsetBytes, 'offsetBytes');
  assertBytes(lengthBytes, 'lengthBytes');
  assert(offsetBytes + lengthBytes <= device.lengthBytes, 'the range lies within the device');
}

function assertRequest(
  device: BlockDevice,
  isClosed: boolean,
  offsetBytes: number,
  lengthBytes: number,
): void {
  assertRange(device, isClosed, offsetBytes, lengthBytes);
  assert(lengthBytes <= requestBytesMax, 'the request is no longer than a device takes');
}

/** One opening of a volume. */
export class VolumeDevice implements BlockDevice {
  readonly readOnly = false;
  readonly immediate: ImmediateDevice;
  readonly #live: LiveVolume;
  readonly #onClose: () => Promise<void>;
  #isClosed = false;

  constructor(live: LiveVolume, onClose: () => Promise<void>) {
    this.#live = live;
    this.#onClose = onClose;
    this.immediate = {
      read: (offsetBytes, target, onEnd) => {
        assertRequest(this, this.#isClosed, offsetBytes, target.byteLength);
        return live.readNow(offsetBytes, target, onEnd);
      },
      locate: (offsetBytes, lengthBytes) => {
        assertRequest(this, this.#isClosed, offsetBytes, lengthBytes);
        return live.locate(offsetBytes, lengthBytes);
      },
      write: (offsetBytes, content, done) => {
        assertRequest(this, this.#isClosed, offsetBytes, content.byteLength);
        return live.writeNow(offsetBytes, content, done);
      },
      settle: () => live.settleWrites(),
    };
  }

  get lengthBytes(): number {
    return this.#live.lengthBytes;
  }

  async read(offsetBytes: number, target: Uint8Array): Promise<void> {
    assertRequest(this, this.#isClosed, offsetBytes, target.byteLength);
    if (target.byteLength > 0) await this.#live.read(offsetBytes, target);
  }

  async write(offsetBytes: number, content: Uint8Array): Promise<void> {
    assertRequest(this, this.#isClosed, offsetBytes, content.byteLength);
    if (content.byteLength === 0) return;
    const counts = Promise.withResolvers<void>();
    const done = (error?: unknown): void => {
      if (error === undefined) counts.resolve();
      else counts.reject(error);
    };
    if (this.#live.writeNow(offsetBytes, content, done)) {
      this.#live.settleWrites();
      await counts.promise;
    } else await this.#live.write(offsetBytes, content);
  }

  async zero(offsetBytes: number, lengthBytes: number): Promise<void> {
    assertRequest(this, this.#isClosed, offsetBytes, lengthBytes);
    if (lengthBytes > 0) await this.#live.zero(offsetBytes, lengthBytes);
  }

  async trim(offsetBytes: number, lengthBytes: number): Promise<void> {
    assertRequest(this, this.#isClosed, offsetBytes, lengthBytes);
    if (lengthBytes > 0) await this.#live.trim(offsetBytes, lengthBytes);
  }

  async flush(): Promise<void> {
    assert(!this.#isClosed, 'nothing is called after close');
    await this.#live.flush();
  }

  async extents(offsetBytes: number, lengthBytes: number): Promise<Extent[]> {
    assertRange(this, this.#isClosed, offsetBytes, lengthBytes);
    return this.#live.extents(offsetBytes, lengthBytes);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#onClose();
  }
}

/** One opening of a snapshot. */
export class SnapshotDevice implements BlockDevice {
  readonly readOnly = true;
  readonly immediate: ImmediateDevice;
  readonly lengthBytes: number;
  readonly #chain: Chain;
  readonly #onClose: () => Promise<void>;
  #isClosed = false;

  constructor(chain: Chain, lengthBytes: number, onClose: () => Promise<void>) {
    this.#chain = chain;
    this.lengthBytes = lengthBytes;
    this.#onClose = onClose;
    this.immediate = {
      read: (offsetBytes, target, onEnd) => {
        assertRequest(this, this.#isClosed, offsetBytes, target.byteLength);
        return readChainNow(chain, offsetBytes, target, onEnd);
      },
      locate: (offsetBytes, lengthBytes) => {
        assertRequest(this, this.#isClosed, offsetBytes, lengthBytes);
        return locateInChain(chain, offsetBytes, lengthBytes);
      },
      write: () => false,
      settle: () => undefined,
    };
  }

  async read(offsetBytes: number, target: Uint8Array): Promise<void> {
    assertRequest(this, this.#isClosed, offsetBytes, target.byteLength);
    if (target.byteLength > 0) await readChain(this.#chain, offsetBytes, target);
  }

  async write(): Promise<void> {
    throw refusal();
  }

  async zero(): Promise<void> {
    throw refusal();
  }

  async trim(): Promise<void> {
    throw refusal();
  }

  /** There is nothing to make durable. */
  async flush(): Promise<void> {
    assert(!this.#isClosed, 'nothing is called after close');
  }

  async extents(offsetBytes: number, lengthBytes: number): Promise<Extent[]> {
    assertRange(this, this.#isClosed, offsetBytes, lengthBytes);
    return chainExtents(this.#chain, offsetBytes, lengthBytes);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#onClose();
  }
}

function refusal(): OperatingError {
  return new OperatingError('read_only', 'A snapshot cannot be changed.');
}
