/** How large the disk is that an image holds. */
import { OperatingError } from '../../base/errors.ts';
import type { ImageFile } from './image-files.ts';

/** The beginning of a qcow2 file (QEMU, docs/interop/qcow2.txt): magic, version, …, size. */
const qcow2 = { magic: 0x514649fb, headerBytes: 72, backingFileAt: 8, sizeAt: 24 } as const;

/**
 * Bytes of the disk in a raw or qcow2 image; null for other formats. Rejects with `invalid_input`
 * what says to be qcow2 and is not, or needs another file beside it: whoever reads such an image
 * would read that file of the machine's.
 */
export async function virtualSizeOf(file: ImageFile, diskFormat: unknown): Promise<number | null> {
  if (diskFormat === 'raw') return file.sizeBytes;
  if (diskFormat !== 'qcow2') return null;
  const header = await file.read(0, qcow2.headerBytes);
  if (header.length < qcow2.headerBytes || header.readUInt32BE(0) !== qcow2.magic) {
    throw new OperatingError('invalid_input', 'The data is not of the disk format qcow2.');
  }
  if (header.readBigUInt64BE(qcow2.backingFileAt) !== 0n) {
    throw new OperatingError('invalid_input', 'A qcow2 image with a backing file is not taken.');
  }
  const size = header.readBigUInt64BE(qcow2.sizeAt);
  if (size <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(size);
  throw new OperatingError('invalid_input', 'The qcow2 image is larger than any volume.');
}
