import { assert, assertBytes } from '../base/assert.ts';
import { OperatingError } from '../base/errors.ts';
import type { Extent, ExtentKind } from '../base/extent.ts';
import { appendExtent } from '../base/extent.ts';
import type { BlockDevice, ImmediateDevice } from './block-device.ts';
import { requestBytesMax } from './block-device.ts';

const sectorBytes = 4096;

/**
 * A device whose bytes live in memory: the smallest thing that keeps the contract. It holds only
 * the sectors that were written, so it may be large. A flush has nothing to do.
 */
export function openMemoryDevice(options: {
  lengthBytes: number;
  readOnly?: boolean;
}): BlockDevice {
  return new MemoryDevice(options.lengthBytes, options.readOnly ?? false);
}

/** The part of a request that lies in one sector. */
interface Piece {
  readonly sector: number;
  readonly from: number;
  readonly to: number;
}

class MemoryDevice implements BlockDevice {
  readonly lengthBytes: number;
  readonly readOnly: boolean;
  /** A sector that was never written is missing; one that was zeroed whole is `null`. */
  readonly #sectors = new Map<number, Buffer | null>();
  readonly immediate: ImmediateDevice;
  /** Hear of their writes when these are settled. */
  #unsettled: (() => void)[] = [];
  #closed = false;

  constructor(lengthBytes: number, readOnly: boolean) {
    assertBytes(lengthBytes, 'lengthBytes');
    this.lengthBytes = lengthBytes;
    this.readOnly = readOnly;
    this.immediate = {
      read: (offsetBytes, target) => {
        this.#read(offsetBytes, target);
        return 'done';
      },
      write: (offsetBytes, data, done) => {
        if (this.readOnly) return false;
        this.#write(offsetBytes, data);
        this.#unsettled.push(done);
        return true;
      },
      settle: () => {
        const unsettled = this.#unsettled;
        this.#unsettled = [];
        for (const done of unsettled) done();
      },
    };
  }

  async read(offsetBytes: number, target: Uint8Array): Promise<void> {
    this.#read(offsetBytes, target);
  }

  async write(offsetBytes: number, data: Uint8Array): Promise<void> {
    this.#write(offsetBytes, data);
  }

  #read(offsetBytes: number, target: Uint8Array): void {
    this.#check(offsetBytes, target.byteLength);
    for (const { sector, from, to } of pieces(offsetBytes, target.byteLength)) {
      const at = sector * sectorBytes + from - offsetBytes;
      const held = this.#sectors.get(sector);
      if (held) target.set(held.subarray(from, to), at);
      else target.fill(0, at, at + to - from);
    }
  }

  #write(offsetBytes: number, data: Uint8Array): void {
    this.#checkChange(offsetBytes, data.byteLength);
    for (const { sector, from, to } of pieces(offsetBytes, data.byteLength)) {
      const at = sector * sectorBytes + from - offsetBytes;
      this.#writable(sector).set(data.subarray(at, at + to - from), from);
    }
  }

  async zero(offsetBytes: number, lengthBytes: number): Promise<void> {
    this.#checkChange(offsetBytes, lengthBytes);
    for (const { sector, from, to } of pieces(offsetBytes, lengthBytes)) {
      if (to - from === sectorBytes) this.#sectors.set(sector, null);
      else if (this.#sectors.get(sector)) this.#writable(sector).fill(0, from, to);
    }
  }

  async trim(offsetBytes: number, lengthBytes: number): Promise<void> {
    this.#checkChange(offsetBytes, lengthBytes);
    for (const { sector, from, to } of pieces(offsetBytes, lengthBytes)) {
      if (to - from === sectorBytes) this.#sectors.set(sector, null);
    }
  }

  async flush(): Promise<void> {
    assert(!this.#closed, 'the device is open');
  }

  async extents(offsetBytes: number, lengthBytes: number): Promise<Extent[]> {
    this.#check(offsetBytes, lengthBytes, Number.MAX_SAFE_INTEGER);
    const extents: Extent[] = [];
    for (const { sector, from, to } of pieces(offsetBytes, lengthBytes)) {
      appendExtent(extents, {
        offsetBytes: sector * sectorBytes + from,
        lengthBytes: to - from,
        kind: this.#kindOf(sector),
      });
    }
    return extents;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#sectors.clear();
  }

  #kindOf(sector: number): ExtentKind {
    const held = this.#sectors.get(sector);
    if (held === undefined) return 'absent';
    return held === null ? 'zero' : 'data';
  }

  #writable(sector: number): Buffer {
    const held = this.#sectors.get(sector);
    if (held) return held;
    const fresh = Buffer.alloc(sectorBytes);
    this.#sectors.set(sector, fresh);
    return fresh;
  }

  #check(offsetBytes: number, lengthBytes: number, lengthBytesMax = requestBytesMax): void {
    assert(!this.#closed, 'the device is open');
    assertBytes(offsetBytes, 'offsetBytes');
    assertBytes(lengthBytes, 'lengthBytes');
    assert(lengthBytes <= lengthBytesMax, 'the request is no longer than a device takes');
    assert(offsetBytes + lengthBytes <= this.lengthBytes, 'the range lies within the device');
  }

  #checkChange(offsetBytes: number, lengthBytes: number): void {
    this.#check(offsetBytes, lengthBytes);
    if (this.readOnly) throw new OperatingError('read_only', 'The device is read-only.');
  }
}

/** Cuts a byte range at sector borders. */
function* pieces(offsetBytes: number, lengthBytes: number): Generator<Piece> {
  const end = offsetBytes + lengthBytes;
  for (let at = offsetBytes; at < end;) {
    const sector = Math.floor(at / sectorBytes);
    const from = at - sector * sectorBytes;
    const to = Math.min(sectorBytes, from + end - at);
    yield { sector, from, to };
    at += to - from;
  }
}
