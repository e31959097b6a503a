/**
 * zstd, one frame for each call.
 *
 * Node's zlib makes a context for every call, which takes longer than a 4 KiB sector does, and
 * answers in new memory. The library is part of Node all the same: where its functions can be
 * called, one context of each thread serves all calls, and results go where they are wanted.
 */
import { createRequire } from 'node:module';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type * as Koffi from 'koffi';
import { assert } from '../base/assert.ts';

const level = 1;

export interface Zstd {
  /** Writes `plain` as one frame to `target`; its length, or 0 when `target` has no room for it. */
  compress(plain: Uint8Array, target: Uint8Array): number;
  /** The content of the one frame that `packed` is. Throws when it is longer than `bytesMax`. */
  decompress(packed: Uint8Array, bytesMax: number): Buffer;
  /** The same into `target`; its length. Throws when it has no room for it. */
  decompressInto(packed: Uint8Array, target: Uint8Array): number;
}

/** By Node's own functions; works everywhere. */
export const nodeZstd: Zstd = {
  compress: (plain, target) => {
    // An output buffer that takes any result in one piece saves zlib a second round.
    const chunkSize = Math.max(1024, plain.length + (plain.length >> 7) + 128);
    const params = { [constants.ZSTD_c_compressionLevel]: level };
    const packed = zstdCompressSync(plain, { params, chunkSize });
    if (packed.length > target.length) return 0;
    target.set(packed);
    return packed.length;
  },
  decompress: (packed, bytesMax) => {
    const chunkSize = Math.min(Math.max(bytesMax, 64), 1024 * 1024);
    return zstdDecompressSync(packed, { maxOutputLength: bytesMax, chunkSize });
  },
  decompressInto: (packed, target) => {
    const plain = nodeZstd.decompress(packed, target.length);
    target.set(plain);
    return plain.length;
  },
};

/** By the library's functions; undefined where they cannot be called. */
export const nativeZstd: Zstd | undefined = load();

export const zstd: Zstd = nativeZstd ?? nodeZstd;

function load(): Zstd | undefined {
  try {
    const koffi: typeof Koffi = createRequire(import.meta.url)('koffi');
    const native = bind(koffi.load(null));
    assert(isRight(native), 'it compresses as Node does');
    return native;
  } catch {
    // The package has no build for this machine, or this Node does not show the functions.
    return undefined;
  }
}

/** Each unpacks what the other has packed. */
function isRight(native: Zstd): boolean {
  const plain = Buffer.alloc(4096, 'a text that shrinks');
  const [ours, theirs] = [Buffer.alloc(plain.length), Buffer.alloc(plain.length)];
  const packed = ours.subarray(0, native.compress(plain, ours));
  const other = theirs.subarray(0, nodeZstd.compress(plain, theirs));
  const unpacked = Buffer.alloc(plain.length);
  return (
    nodeZstd.decompress(packed, plain.length).equals(plain) &&
    native.decompress(other, plain.length).equals(plain) &&
    native.decompressInto(other, unpacked) === plain.length &&
    unpacked.equals(plain)
  );
}

/** Sizes above 2^53, which come as bigints, are the library's error codes. */
type Size = number | bigint;
type Pointer = object;

function bind(library: Koffi.LibraryHandle): Zstd {
  const size = 'size_t';
  const pointer = 'void *';
  const createCompression: () => Pointer = library.func('ZSTD_createCCtx', pointer, []);
  const setParameter: (context: Pointer, parameter: number, value: number) => Size = library.func(
    'ZSTD_CCtx_setParameter',
    size,
    [pointer, 'int', 'int'],
  );
  type Transform = (
    context: Pointer,
    target: Uint8Array,
    targetBytes: number,
    source: Uint8Array,
    sourceBytes: number,
  ) => Size;
  const transform = [pointer, pointer, size, pointer, size];
  const compress2: Transform = library.func('ZSTD_compress2', size, transform);
  const createDecompression: () => Pointer = library.func('ZSTD_createDCtx', pointer, []);
  const decompress: Transform = library.func('ZSTD_decompressDCtx', size, transform);
  const compression = createCompression();
  setParameter(compression, constants.ZSTD_c_compressionLevel, level);
  const decompression = createDecompression();
  let scratch = Buffer.allocUnsafeSlow(128 * 1024);
  const decompressInto = (packed: Uint8Array, target: Uint8Array): number => {
    const length = decompress(decompression, target, target.length, packed, packed.length);
    if (typeof length === 'bigint') throw new RangeError('not a zstd frame of this length');
    return length;
  };
  return {
    compress: (plain, target) => {
      const length = compress2(compression, target, target.length, plain, plain.length);
      return typeof length === 'bigint' ? 0 : length;
    },
    decompress: (packed, bytesMax) => {
      if (scratch.length < bytesMax) scratch = Buffer.allocUnsafeSlow(bytesMax);
      const length = decompressInto(packed, scratch.subarray(0, bytesMax));
      return Buffer.from(scratch.subarray(0, length));
    },
    decompressInto,
  };
}
