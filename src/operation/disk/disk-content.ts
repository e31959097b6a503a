/** What a disk image holds, to be written to a volume. */
import { GiB } from '../../base/bytes.ts';
import type { VolumeEngine } from '../../volume/engine.ts';
import { requestBytesMax } from '../../volume/block-device.ts';

export interface Piece {
  readonly offsetBytes: number;
  readonly bytes: Uint8Array;
}

export interface DiskContent {
  readonly lengthBytes: number;
  /** Pieces of at most 32 MiB in order; what is between them reads as zeros. */
  pieces(): AsyncGenerator<Piece, void>;
}

/** Something that can be read at any place: an image's file, a file of the host. */
export interface Readable {
  readonly sizeBytes: number;
  /** As many bytes as asked for, fewer only at the end. */
  read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array>;
}

export interface Filling {
  readonly volumeId: string;
  readonly content: DiskContent;
  /** The volume may hold something else: all of it is made zeros first. */
  readonly clear: boolean;
  readonly signal: AbortSignal;
  readonly progress: (bytesDone: number, bytesTotal: number) => void;
}

/** Writes what a disk image holds to a volume, durably. May be repeated. */
export async function fillVolume(engine: VolumeEngine, filling: Filling): Promise<void> {
  const { content, signal, progress } = filling;
  const device = await engine.openVolume(filling.volumeId);
  try {
    if (filling.clear) {
      for (let at = 0; at < device.lengthBytes; at += requestBytesMax) {
        signal.throwIfAborted();
        await device.zero(at, Math.min(requestBytesMax, device.lengthBytes - at));
      }
    }
    for await (const { offsetBytes, bytes } of content.pieces()) {
      signal.throwIfAborted();
      await device.write(offsetBytes, bytes);
      progress(offsetBytes + bytes.length, content.lengthBytes);
    }
    await device.flush();
  } finally {
    await device.close();
  }
}

/** The least size, in GiB, of a volume that holds so many bytes. */
export function gibFor(lengthBytes: number): number {
  return Math.max(1, Math.ceil(lengthBytes / GiB));
}
