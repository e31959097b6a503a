import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { inPieces, realFiles } from '../demo/real-files.ts';
import { MiB } from '../src/base/bytes.ts';
import type { Image, Write } from './contender.ts';
import { randomBytes, type Random } from '../demo/random.ts';

const sectorBytes = 4096;

/** Every so many MiB of files, one MiB of random bytes: a disk holds media and archives, too. */
const filesPerRandom = 6;

/** Writes a sparse image with `dataBytes` of this machine's files and some random data. */
export async function makeImage(
  path: string,
  { lengthBytes, dataBytes }: { lengthBytes: number; dataBytes: number },
  random: Random,
): Promise<Image> {
  const handle = await open(path, 'w');
  try {
    let offset = 0;
    for (const piece of inPieces(realFiles(dataBytes), MiB)) {
      const pieces = (offset / MiB) % filesPerRandom === 0 ? [randomBytes(random, MiB)] : [];
      for (const data of [...pieces, piece]) {
        const length = Math.min(data.length, dataBytes - offset);
        await handle.write(data, 0, length, offset);
        offset += length;
      }
      if (offset >= dataBytes) break;
    }
    await handle.truncate(lengthBytes);
    await handle.sync();
    return { path, lengthBytes, dataBytes: offset };
  } finally {
    await handle.close();
  }
}

/** Random 4 KiB writes to `share` of the image's data, at places drawn without repetition. */
export function randomWrites(image: Image, share: number, random: Random): Write[] {
  const sectors = Math.floor(image.dataBytes / sectorBytes);
  const chosen = new Set<number>();
  while (chosen.size < Math.floor(sectors * share)) chosen.add(Math.floor(random() * sectors));
  return [...chosen].map((sector) => ({
    offsetBytes: sector * sectorBytes,
    data: randomBytes(random, sectorBytes),
  }));
}

/** Applies writes to a file. */
export async function applyWrites(path: string, writes: readonly Write[]): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    for (const { offsetBytes, data } of writes)
      await handle.write(data, 0, data.length, offsetBytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 4 * MiB })) hash.update(piece);
  return hash.digest('hex');
}
