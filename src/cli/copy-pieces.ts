/** Copies between a local file and an NBD export: many pieces in flight, zeros not at all. */
import type { FileHandle } from 'node:fs/promises';
import { MiB, isZero, roundUp } from '../base/bytes.ts';
import { OperatingError } from '../base/errors.ts';
import type { Extent } from '../base/extent.ts';
import type { NbdClient } from '../client/nbd.ts';

const pieceBytes = MiB;
const piecesInFlight = 16;
/** What an NBD server may want offsets and lengths to be multiples of. */
const alignBytes = 4096;

type Report = (bytesDone: number) => void;

/**
 * Writes the file's `lengthBytes` to the start of an export that reads as zeros; zeros are passed
 * over. All is durable when it resolves.
 */
export async function copyIn(
  file: FileHandle,
  lengthBytes: number,
  device: NbdClient,
  report: Report,
): Promise<void> {
  const all: Extent[] = [{ offsetBytes: 0, lengthBytes, kind: 'data' }];
  await forEachPiece(all, report, async (offsetBytes, length) => {
    const piece = Buffer.alloc(roundUp(length, alignBytes));
    await readWhole(file, piece.subarray(0, length), offsetBytes);
    if (!isZero(piece)) await device.write(offsetBytes, piece);
  });
  await device.flush();
}

/** Writes the export into an empty file, which stays sparse. All is durable when it resolves. */
export async function copyOut(device: NbdClient, file: FileHandle, report: Report): Promise<void> {
  await file.truncate(device.lengthBytes);
  const extents = await device.extents(0, device.lengthBytes);
  await forEachPiece(extents, report, async (offsetBytes, length, kind) => {
    if (kind !== 'data') return;
    const piece = Buffer.alloc(length);
    await device.read(offsetBytes, piece);
    if (!isZero(piece)) await writeWhole(file, piece, offsetBytes);
  });
  await file.sync();
}

/** Runs `copy` for all pieces, several at a time; no new one starts after one has failed. */
async function forEachPiece(
  extents: readonly Extent[],
  report: Report,
  copy: (offsetBytes: number, length: number, kind: Extent['kind']) => Promise<void>,
): Promise<void> {
  const pieces = piecesOf(extents);
  let bytesDone = 0;
  let failed = false;
  async function work(): Promise<void> {
    for (let next = pieces.next(); next.done !== true && !failed; next = pieces.next()) {
      const { offsetBytes, lengthBytes, kind } = next.value;
      try {
        await copy(offsetBytes, lengthBytes, kind);
      } catch (error) {
        failed = true;
        throw error;
      }
      bytesDone += lengthBytes;
      report(bytesDone);
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: piecesInFlight }, work));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

function* piecesOf(extents: readonly Extent[]): Generator<Extent, undefined> {
  for (const { offsetBytes, lengthBytes, kind } of extents) {
    const step = kind === 'data' ? pieceBytes : lengthBytes;
    for (let done = 0; done < lengthBytes; done += step) {
      const length = Math.min(step, lengthBytes - done);
      yield { offsetBytes: offsetBytes + done, lengthBytes: length, kind };
    }
  }
  return undefined;
}

async function readWhole(file: FileHandle, target: Buffer, offsetBytes: number): Promise<void> {
  let done = 0;
  while (done < target.length) {
    const { bytesRead } = await file.read(target, done, target.length - done, offsetBytes + done);
    if (bytesRead === 0) throw new OperatingError('io', 'The file became shorter meanwhile');
    done += bytesRead;
  }
}

async function writeWhole(file: FileHandle, piece: Buffer, offsetBytes: number): Promise<void> {
  let done = 0;
  while (done < piece.length) {
    const rest = piece.length - done;
    const { bytesWritten } = await file.write(piece, done, rest, offsetBytes + done);
    done += bytesWritten;
  }
}
