/** What crosses the border between the data plane's thread and the rest of the process. */
import type { MessagePort, Worker } from 'node:worker_threads';
import type { Extent } from '../base/extent.ts';
import type { NbdEvent } from '../nbd/connection.ts';
import type { Exports } from '../nbd/exports.ts';
import type { WantedRead } from '../volume/block-device.ts';
import type { VolumeEngine } from '../volume/engine.ts';
import type { Backing, BackingSource, Hydration } from '../volume/hydration.ts';
import type { DataPlane, DataPlaneOptions } from './data-plane.ts';
import { type PackedError, packError, unpackError } from './packed-error.ts';

/** A range of memory that both threads see. */
export interface SharedRange {
  readonly memory: SharedArrayBuffer;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** Reads of a device into one memory. */
export interface SharedReads {
  readonly memory: SharedArrayBuffer;
  /** For each its offset in the device, its offset in the memory, and its length, in bytes. */
  readonly numbers: readonly number[];
}

/** A device that is open in the thread; its number stands for it. */
export interface DeviceFacts {
  readonly device: number;
  readonly lengthBytes: number;
  readonly readOnly: boolean;
}

type EngineCalls = Omit<VolumeEngine, 'openVolume' | 'openSnapshot' | 'hydration' | 'close'>;
type HydrationCalls = Omit<Hydration, 'fill'>;
type PlaneCalls = Pick<
  DataPlane,
  'listenTcp' | 'listenUnix' | 'renewTls' | 'stopServing' | 'close'
>;

/** What the thread answers. */
export interface ThreadCalls extends EngineCalls, HydrationCalls, PlaneCalls {
  fill(layerId: string, offsetBytes: number, from: SharedRange): Promise<number>;
  openVolume(volumeId: string): Promise<DeviceFacts>;
  openSnapshot(snapshotId: string): Promise<DeviceFacts>;
  read(device: number, offsetBytes: number, into: SharedRange): Promise<void>;
  readAll(device: number, reads: SharedReads): Promise<void>;
  write(device: number, offsetBytes: number, from: SharedRange): Promise<void>;
  zero(device: number, offsetBytes: number, lengthBytes: number): Promise<void>;
  trim(device: number, offsetBytes: number, lengthBytes: number): Promise<void>;
  flush(device: number): Promise<void>;
  extents(device: number, offsetBytes: number, lengthBytes: number): Promise<Extent[]>;
  closeDevice(device: number): Promise<void>;
  addExport: Exports['add'];
  removeExport: Exports['remove'];
  limitVolume: Exports['limit'];
  clients: Exports['clients'];
}

/** The first call; the others are answered once it has been. */
export interface Opening {
  open(options: DataPlaneOptions): Promise<void>;
}

/** What the thread tells by itself, and what it asks of the rest of the process. */
export interface ThreadEvents {
  nbd(event: NbdEvent): void;
  fault(error: unknown): void;
  backedBlocks: BackingSource['blocks'];
  readBacking(backing: Backing, offsetBytes: number, into: SharedRange): Promise<void>;
}

export function bytesOf({ memory, offsetBytes, lengthBytes }: SharedRange): Uint8Array {
  return new Uint8Array(memory, offsetBytes, lengthBytes);
}

/** Where the bytes lie, if it is in memory that threads share. */
export function sharedRange(bytes: Uint8Array): SharedRange | undefined {
  const { buffer, byteOffset, byteLength } = bytes;
  if (!(buffer instanceof SharedArrayBuffer)) return undefined;
  return { memory: buffer, offsetBytes: byteOffset, lengthBytes: byteLength };
}

/** The same reads as one message carries them, if they all go into one shared memory. */
export function sharedReads(reads: readonly WantedRead[]): SharedReads | undefined {
  const memory = reads[0]?.target.buffer;
  if (!(memory instanceof SharedArrayBuffer)) return undefined;
  const numbers: number[] = [];
  for (const { offsetBytes, target } of reads) {
    if (target.buffer !== memory) return undefined;
    numbers.push(offsetBytes, target.byteOffset, target.byteLength);
  }
  return { memory, numbers };
}

/** The reads that `sharedReads` has packed. */
export function wantedReads({ memory, numbers }: SharedReads): WantedRead[] {
  const reads: WantedRead[] = [];
  for (let at = 0; at < numbers.length; at += 3) {
    const [offsetBytes = 0, start = 0, lengthBytes = 0] = numbers.slice(at, at + 3);
    reads.push({ offsetBytes, target: new Uint8Array(memory, start, lengthBytes) });
  }
  return reads;
}

/**
 * How birpc sends over a port; it waits for answers as long as they take. Messages that come in one
 * turn of the event loop cross together: waking the other thread costs more than a message does.
 */
export function overPort(port: MessagePort | Worker) {
  let waiting: unknown[] = [];
  const send = (): void => {
    const messages = waiting;
    waiting = [];
    port.postMessage(messages, []);
  };
  return {
    post: (message: unknown) => {
      if (waiting.push(message) === 1) queueMicrotask(send);
    },
    on: (listener: (message: unknown) => void) =>
      port.on('message', (messages: unknown[]) => messages.forEach((message) => listener(message))),
    serialize: packAnswer,
    deserialize: unpackAnswer,
    timeout: -1,
  };
}

/** A message of birpc, as far as it matters here: the answer to a call that failed has `e`. */
interface Answer<E> {
  readonly e?: E;
}

function packAnswer(message: Answer<unknown>): Answer<PackedError> {
  const { e: error, ...rest } = message;
  return error === undefined ? rest : { ...rest, e: packError(error) };
}

function unpackAnswer(message: Answer<PackedError>): Answer<unknown> {
  const { e: error, ...rest } = message;
  return error === undefined ? rest : { ...rest, e: unpackError(error) };
}
