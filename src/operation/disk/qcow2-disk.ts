/**
 * Reading qcow2 (QEMU, docs/interop/qcow2.rst), versions 2 and 3, with clusters in clear or
 * compressed by deflate or zstd.
 *
 * The file comes from a client: every offset and length in it is doubted. What would make the
 * reader look elsewhere than in the file (a backing file, an external data file), what is encrypted
 * and what is not known is refused, and no table is larger than a volume can need.
 */
import { promisify } from 'node:util';
import { constants, inflateRaw, zstdDecompress } from 'node:zlib';
import { MiB, TiB } from '../../base/bytes.ts';
import { OperatingError } from '../../base/errors.ts';
import type { DiskContent, Piece, Readable } from './disk-content.ts';

const magic = 0x514649fb;
const entryBytes = 8;
const offsetMask = 0x00ff_ffff_ffff_fe00n;
const compressedFlag = 1n << 62n;
const zeroFlag = 1n;
const lengthMax = 16 * TiB;
/** What QEMU takes at most. */
const l1BytesMax = 32 * MiB;

/** Bits of the incompatible features; a dirty file (bit 0) only has refcounts to be mended. */
const corruptFeature = 1n << 1n;
const externalFeature = 1n << 2n;
const compressionFeature = 1n << 3n;
const knownFeatures = 1n | corruptFeature | externalFeature | compressionFeature;

interface Header {
  readonly lengthBytes: number;
  readonly clusterBits: number;
  readonly l1Offset: number;
  readonly l1Count: number;
  readonly version: number;
  readonly compression: 'deflate' | 'zstd';
}

function damaged(what: string): OperatingError {
  return new OperatingError('invalid_input', `The qcow2 image cannot be read: ${what}.`);
}

/** The disk in a qcow2 file; rejects with `invalid_input` one that cannot be read. */
export async function qcow2Disk(file: Readable): Promise<DiskContent> {
  const header = parseHeader(await file.read(0, 112));
  return { lengthBytes: header.lengthBytes, pieces: () => piecesOf(file, header) };
}

function parseHeader(bytes: Uint8Array): Header {
  const view = Buffer.from(bytes);
  if (view.length < 72 || view.readUInt32BE(0) !== magic) throw damaged('it is none');
  const version = view.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw damaged(`version ${version} is not known`);
  if (view.readBigUInt64BE(8) !== 0n) throw damaged('it has a backing file');
  if (view.readUInt32BE(32) !== 0) throw damaged('it is encrypted');
  const clusterBits = view.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21) throw damaged(`clusters of 2^${clusterBits} bytes`);
  const lengthBytes = numberOf(view.readBigUInt64BE(24), lengthMax, 'its size');
  const l1Count = view.readUInt32BE(36);
  const needed = Math.ceil(lengthBytes / 2 ** (2 * clusterBits - 3));
  if (l1Count < needed) throw damaged('its first table is too short');
  if (needed * entryBytes > l1BytesMax) throw damaged('its first table is too long');
  return {
    lengthBytes,
    clusterBits,
    version,
    l1Offset: numberOf(view.readBigUInt64BE(40), Number.MAX_SAFE_INTEGER, 'its first table'),
    l1Count: needed,
    compression: version === 3 ? compressionIn(view) : 'deflate',
  };
}

function compressionIn(view: Buffer): Header['compression'] {
  if (view.length < 104) throw damaged('its header is cut off');
  const features = view.readBigUInt64BE(72);
  if ((features & corruptFeature) !== 0n) throw damaged('it is marked as corrupt');
  if ((features & externalFeature) !== 0n) throw damaged('its data is in another file');
  if ((features & ~knownFeatures) !== 0n) throw damaged('it has features that are not known');
  if ((features & compressionFeature) === 0n) return 'deflate';
  const type = view.readUInt32BE(100) > 104 ? view.readUInt8(104) : 0;
  if (type > 1) throw damaged(`its compression ${type} is not known`);
  return type === 1 ? 'zstd' : 'deflate';
}

function numberOf(value: bigint, max: number, what: string): number {
  if (value > BigInt(max)) throw damaged(`${what} is out of range`);
  return Number(value);
}

async function* piecesOf(file: Readable, header: Header): AsyncGenerator<Piece, void> {
  const clusterBytes = 2 ** header.clusterBits;
  const perTable = clusterBytes / entryBytes;
  const l1 = await table(file, header.l1Offset, header.l1Count);
  for (const [number, entry] of l1.entries()) {
    const l2Offset = numberOf(entry & offsetMask, Number.MAX_SAFE_INTEGER, 'a table');
    if (l2Offset === 0) continue;
    const l2 = await table(file, l2Offset, perTable);
    for (const [index, cluster] of l2.entries()) {
      const offsetBytes = (number * perTable + index) * clusterBytes;
      if (offsetBytes >= header.lengthBytes) break;
      const bytes = await clusterOf(file, header, cluster);
      const length = Math.min(clusterBytes, header.lengthBytes - offsetBytes);
      if (bytes !== undefined) yield { offsetBytes, bytes: bytes.subarray(0, length) };
    }
  }
}

async function table(file: Readable, offsetBytes: number, count: number): Promise<BigUint64Array> {
  const lengthBytes = count * entryBytes;
  if (offsetBytes + lengthBytes > file.sizeBytes) throw damaged('it is cut off');
  const bytes = Buffer.from(await file.read(offsetBytes, lengthBytes));
  return BigUint64Array.from({ length: count }, (_, index) =>
    bytes.readBigUInt64BE(index * entryBytes),
  );
}

/** The bytes of a cluster; undefined when it reads as zeros. */
async function clusterOf(
  file: Readable,
  header: Header,
  entry: bigint,
): Promise<Uint8Array | undefined> {
  const clusterBytes = 2 ** header.clusterBits;
  if ((entry & compressedFlag) !== 0n) return await unpacked(file, header, entry);
  if (header.version === 3 && (entry & zeroFlag) !== 0n) return undefined;
  const offsetBytes = numberOf(entry & offsetMask, Number.MAX_SAFE_INTEGER, 'a cluster');
  return offsetBytes === 0 ? undefined : await exactly(file, offsetBytes, clusterBytes);
}

const inflate = promisify(inflateRaw);
const decompress = promisify(zstdDecompress);

/** A compressed cluster tells its length in sectors, so that more than its data is read. */
async function unpacked(file: Readable, header: Header, entry: bigint): Promise<Uint8Array> {
  const clusterBytes = 2 ** header.clusterBits;
  const offsetBits = BigInt(62 - (header.clusterBits - 8));
  const offsetBytes = Number(entry & ((1n << offsetBits) - 1n));
  const sectors = Number((entry & (compressedFlag - 1n)) >> offsetBits) + 1;
  const packed = await file.read(offsetBytes, sectors * 512 - (offsetBytes % 512));
  const options = { maxOutputLength: clusterBytes };
  let bytes: Uint8Array;
  try {
    bytes =
      header.compression === 'zstd'
        ? await decompress(packed.subarray(0, frameBytesOf(packed)), options)
        : await inflate(packed, { ...options, finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    throw damaged('a compressed cluster is damaged');
  }
  if (bytes.length === clusterBytes) return bytes;
  throw damaged('a compressed cluster is too short');
}

/**
 * The length of the zstd frame at the beginning (RFC 8878, section 3.1.1): what follows it in the
 * last sector is nobody's, and the decoder takes no more than the frame. 0 when there is none.
 */
function frameBytesOf(packed: Uint8Array): number {
  const view = Buffer.from(packed);
  if (view.length < 5 || view.readUInt32LE(0) !== 0xfd2fb528) return 0;
  const descriptor = view.readUInt8(4);
  const isSingle = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const idBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  let at = 5 + (isSingle ? 0 : 1) + idBytes + sizeBytes;
  for (;;) {
    if (at + 3 > view.length) return 0;
    const block = view.readUIntLE(at, 3);
    // A run-length block holds one byte, whatever its length.
    at += 3 + (((block >> 1) & 3) === 1 ? 1 : block >> 3);
    if ((block & 1) === 1) return at + ((descriptor & 4) === 0 ? 0 : 4);
  }
}

async function exactly(
  file: Readable,
  offsetBytes: number,
  lengthBytes: number,
): Promise<Uint8Array> {
  if (offsetBytes + lengthBytes > file.sizeBytes) {
    // The last cluster of a file may be written in part; the rest reads as zeros.
    if (offsetBytes >= file.sizeBytes) throw damaged('it is cut off');
    const whole = Buffer.alloc(lengthBytes);
    whole.set(await file.read(offsetBytes, lengthBytes));
    return whole;
  }
  return await file.read(offsetBytes, lengthBytes);
}
