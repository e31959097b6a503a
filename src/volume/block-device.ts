import type { Extent } from '../base/extent.ts';
import type { MemoryRange } from '../base/memory-range.ts';
import { settleAll } from '../base/serial.ts';
import type { Reading } from '../layer/file-operations.ts';

/** The longest read, write, zero or trim that a device takes in one call. */
export const requestBytesMax = 32 * 1024 * 1024;

/**
 * What a device can do at once, because nothing has to be waited for. Ranges are as for the device
 * itself, and what counts is the same as if the device had resolved.
 */
export interface ImmediateDevice {
  /**
   * Fills `target` (`done`). Or, where `onEnd` is given, leaves it as it is, and calls that in a
   * later turn with the bytes, which hold until it returns, or with undefined: then, and when it is
   * refused at once, the device's `read` is to be called. It is not closed before.
   */
  read(
    offsetBytes: number,
    target: Uint8Array,
    onEnd?: (bytes: Uint8Array | undefined) => void,
  ): Reading;
  /**
   * Where the bytes of a range lie, in order, if memory has all of them: whoever only passes them
   * on need not copy them. What is read from there by the end of this turn of the event loop is
   * what `read` would give; what is referred to for longer may show what is written to the same
   * place meanwhile. A device may go without it.
   */
  locate?(offsetBytes: number, lengthBytes: number): readonly MemoryRange[] | undefined;
  /**
   * Writes `data`, answers true, and calls `done` when that counts: in `settle`, or later. Or
   * answers false, and `write` is to be called.
   */
  write(offsetBytes: number, data: Uint8Array, done: (error?: unknown) => void): boolean;
  /** Ends a row of writes; to be called in the turn of the event loop in which they were made. */
  settle(): void;
}

/** What is to be filled with the bytes from `offsetBytes` on. */
export interface WantedRead {
  readonly offsetBytes: number;
  readonly target: Uint8Array;
}

/** Does all reads one by one, at the same time; a failure is told when all have ended. */
export async function readEach(
  device: Pick<BlockDevice, 'read'>,
  reads: readonly WantedRead[],
): Promise<void> {
  await settleAll(reads.map(({ offsetBytes, target }) => device.read(offsetBytes, target)));
}

/** A longer read holds up the others of its thread for too long, if it is done at once. */
const atOnceBytesMax = 128 * 1024;

/** As `readEach`, but what takes no wait is read without the cost of one. */
export async function readTogether(
  device: Pick<BlockDevice, 'read' | 'immediate'>,
  reads: readonly WantedRead[],
): Promise<void> {
  const left = reads.filter(({ offsetBytes, target }) => {
    const isShort = target.byteLength <= atOnceBytesMax;
    return !isShort || device.immediate?.read(offsetBytes, target) !== 'done';
  });
  if (left.length > 0) await readEach(device, left);
}

/**
 * A disk: what `nbd` serves, and what backup and restore read and write.
 *
 * Obligations of the caller, asserted inside: every range lies within `lengthBytes`, no request but
 * `extents` is longer than `requestBytesMax`, buffers are not changed while a call is under way,
 * and nothing is called after `close`. Offsets and lengths are in bytes and need no alignment.
 *
 * Calls may overlap in time. Two overlapping writes to the same bytes leave each 4 KiB sector with
 * one of the two. What a resolved call wrote, every later read sees. What was written before a
 * resolved `flush` began survives a crash of the host; what was not flushed may be lost then,
 * sector by sector, and never reaches another sector. The death of the process alone loses
 * nothing that a resolved call wrote, where the host says which boot it is in (Linux does).
 *
 * Errors are operating errors: `no_space`, `read_only` (also for every change of a read-only
 * device), `io`, `corrupt`. After a failed flush every later flush and write rejects with `io`.
 */
export interface BlockDevice {
  /** The size; it may grow while the device is open. */
  readonly lengthBytes: number;
  readonly readOnly: boolean;
  /** Fills `target` with the bytes from `offsetBytes` on. */
  read(offsetBytes: number, target: Uint8Array): Promise<void>;
  write(offsetBytes: number, data: Uint8Array): Promise<void>;
  /** The range reads as zeros from now on, and is given back to the host where that is possible. */
  zero(offsetBytes: number, lengthBytes: number): Promise<void>;
  /**
   * The content is not needed any more: whole sectors read as zeros, broken ones keep their bytes.
   */
  trim(offsetBytes: number, lengthBytes: number): Promise<void>;
  /** Everything that was written before is durable when this resolves. */
  flush(): Promise<void>;
  /** The extents of the range, in order, without gap, neighbours of different kind. */
  extents(offsetBytes: number, lengthBytes: number): Promise<Extent[]>;
  close(): Promise<void>;
  /**
   * Does many reads together, which costs less where each request has a way to go; a device may go
   * without it. When it rejects, all of them have ended.
   */
  readAll?(reads: readonly WantedRead[]): Promise<void>;
  /** For many small requests; a device may go without it. */
  readonly immediate?: ImmediateDevice | undefined;
}
