import { KiB, MiB } from '../../base/bytes.ts';
import type { VolumeEngine } from '../../volume/engine.ts';
import type { DiskContent, Piece, Readable } from './disk-content.ts';

/** Small enough that nobody waits long while they are hashed. */
const readBytes = MiB;
/** Zeros of this length are left out. */
const blockBytes = 64 * KiB;
const zeros = Buffer.alloc(blockBytes);

/** The bytes of a file as the bytes of a disk. */
export function rawDisk(file: Readable): DiskContent {
  return {
    lengthBytes: file.sizeBytes,
    async *pieces() {
      for (let at = 0; at < file.sizeBytes; at += readBytes) {
        yield* withoutZeros(at, await file.read(at, readBytes));
      }
    },
  };
}

function* withoutZeros(offsetBytes: number, bytes: Uint8Array): Generator<Piece, void> {
  let from = 0;
  for (let at = 0; at <= bytes.length; at += blockBytes) {
    const block = bytes.subarray(at, at + blockBytes);
    if (at < bytes.length && !zeros.subarray(0, block.length).equals(block)) continue;
    if (at > from) yield { offsetBytes: offsetBytes + from, bytes: bytes.subarray(from, at) };
    from = at + blockBytes;
  }
  if (from < bytes.length) yield { offsetBytes: offsetBytes + from, bytes: bytes.subarray(from) };
}

/** All bytes of a snapshot one after the other, zeros included. */
export async function* bytesOfSnapshot(
  engine: VolumeEngine,
  snapshotId: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const device = await engine.openSnapshot(snapshotId);
  try {
    for (let at = 0; at < device.lengthBytes; at += readBytes) {
      signal.throwIfAborted();
      const bytes = Buffer.alloc(Math.min(readBytes, device.lengthBytes - at));
      await device.read(at, bytes);
      yield bytes;
    }
  } finally {
    await device.close();
  }
}
