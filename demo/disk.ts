/** A volume as a guest sees it: bytes behind an NBD address. */
import { createHash } from 'node:crypto';
import { GiB, KiB, MiB } from '../src/base/bytes.ts';
import { must } from '../src/base/assert.ts';
import type { Client } from '../src/client/client.ts';
import { connectNbd, type NbdClient } from '../src/client/nbd.ts';
import { inPieces, realFiles } from './real-files.ts';

/** Writes under way at once. */
const depth = 8;
const sectorBytes = 4 * KiB;

/** Attaches a volume, connects to it, and detaches it when `work` has settled. */
export async function withDisk<R>(
  client: Client,
  volumeId: string,
  work: (disk: NbdClient) => Promise<R>,
): Promise<R> {
  const attachment = await client.attach(volumeId, { host: 'demo', mode: 'rw' });
  try {
    const uri = must(attachment.connection_info.unix_uri, 'the address of the volume');
    const disk = await connectNbd({ uri });
    try {
      return await work(disk);
    } finally {
      await disk.disconnect();
    }
  } finally {
    await client.detach(attachment.id);
  }
}

/** Fills a disk from its start with the files of this machine; returns how many bytes that were. */
export async function fill(
  disk: NbdClient,
  bytesMax: number,
  onProgress: (bytesDone: number) => void,
): Promise<number> {
  let offset = 0;
  const under = new Set<Promise<void>>();
  for (const piece of inPieces(realFiles(bytesMax), MiB)) {
    const write = disk.write(offset, piece).then(() => void under.delete(write));
    under.add(write);
    offset += piece.length;
    if (under.size >= depth) await Promise.race(under);
    onProgress(offset);
  }
  await Promise.all(under);
  await disk.flush();
  return offset;
}

/** Overwrites `count` random sectors of the first `bytes` bytes with random data. */
export async function scribble(
  disk: NbdClient,
  { bytes, count, random }: { bytes: number; count: number; random: () => number },
): Promise<void> {
  const sectors = Math.floor(bytes / sectorBytes);
  for (let done = 0; done < count; done += depth) {
    const batch = Array.from({ length: Math.min(depth, count - done) }, () => {
      const words = Uint32Array.from({ length: sectorBytes / 4 }, () => random() * 2 ** 32);
      const offset = Math.floor(random() * sectors) * sectorBytes;
      return disk.write(offset, new Uint8Array(words.buffer));
    });
    await Promise.all(batch);
  }
  await disk.flush();
}

/** SHA-256 of the whole disk, holes as the zeros that they read as. */
export async function hashDisk(disk: NbdClient): Promise<string> {
  const hash = createHash('sha256');
  const zeros = Buffer.alloc(4 * MiB);
  const buffer = Buffer.alloc(4 * MiB);
  for (let start = 0; start < disk.lengthBytes; start += GiB) {
    const length = Math.min(GiB, disk.lengthBytes - start);
    for (const extent of await disk.extents(start, length)) {
      const end = extent.offsetBytes + extent.lengthBytes;
      for (let at = extent.offsetBytes; at < end; at += buffer.length) {
        const piece = (extent.kind === 'data' ? buffer : zeros).subarray(0, end - at);
        if (extent.kind === 'data') await disk.read(at, piece);
        hash.update(piece);
      }
    }
  }
  return hash.digest('hex');
}
