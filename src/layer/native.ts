import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import type * as Koffi from 'koffi';
import { bindNative, type NativeLibrary } from '../base/native-library.ts';
import { put, words } from './kernel-words.ts';

/**
 * System calls of Linux that Node does not have, through the C library: preadv2(2),
 * posix_fadvise(2), sync_file_range(2) and fallocate(2).
 */
export interface NativeCalls {
  /**
   * Fills `target` as far as the page cache holds the bytes, without ever waiting for a disk.
   * Answers the bytes read: fewer than asked for where the rest is not in memory or the file ends,
   * -1 where none of them are, or the read fails. Then an ordinary read tells. Answers -2 where the
   * file system cannot say what is in memory, as tmpfs.
   */
  readCached(descriptor: number, target: Uint8Array, positionBytes: number): number;
  /** Asks the disk for a range, and does not wait for it. */
  fetch(descriptor: number, offsetBytes: number, lengthBytes: number): void;
  /** The same from the thread pool: for a long range the asking alone takes a while. */
  fetchInPool(descriptor: number, offsetBytes: number, lengthBytes: number): Promise<void>;
  /** Has the disk begin to write a range that is in memory, and does not wait for it. */
  beginWriting(descriptor: number, offsetBytes: number, lengthBytes: number): void;
  /** The same of a whole file, from the thread pool: the disk may be asked for a while. */
  beginWritingInPool(descriptor: number): Promise<void>;
  /**
   * Gives a range of a file back to the file system: it reads as zeros from then on, and the size
   * stays. Rejects with the system's error, `EOPNOTSUPP` where files cannot have holes.
   */
  punchHole(descriptor: number, offsetBytes: number, lengthBytes: number): Promise<void>;
}

/** Do not wait for a disk (linux/fs.h). */
const RWF_NOWAIT = 8;
/** The range will be read soon (linux/fadvise.h). */
const POSIX_FADV_WILLNEED = 3;
/** Begin to write what is not being written already (linux/fs.h). */
const SYNC_FILE_RANGE_WRITE = 2;
/** Make a hole, and leave the size as it is (linux/falloc.h). */
const FALLOC_FL_PUNCH_HOLE_AND_KEEP_SIZE = 3;

type ReadVector = (
  descriptor: number,
  vector: Uint32Array,
  count: number,
  positionBytes: number,
  flags: number,
) => number;

type OnRange = (fd: number, offsetBytes: number, lengthBytes: number, how: number) => number;

type Allocate = (fd: number, mode: number, offsetBytes: number, lengthBytes: number) => number;

/** Undefined where they are not to be had. */
export const nativeCalls: NativeCalls | undefined = bindNative(bind);

function bind({ koffi, library }: NativeLibrary): NativeCalls {
  // struct iovec, in words: to have one made of an object takes longer than the read.
  const vector = words(2);
  const preadv2: ReadVector = library.func('preadv2', 'int64', [
    'int',
    'void *',
    'int',
    'int64',
    'int',
  ]);
  const fadvise: Koffi.KoffiFunc<OnRange> = library.func('posix_fadvise64', 'int', [
    'int',
    'int64',
    'int64',
    'int',
  ]);
  const syncRange: Koffi.KoffiFunc<OnRange> = library.func('sync_file_range', 'int', [
    'int',
    'int64',
    'int64',
    'uint',
  ]);
  const fallocate: Koffi.KoffiFunc<Allocate> = library.func('fallocate64', 'int', [
    'int',
    'int',
    'int64',
    'int64',
  ]);
  return {
    readCached: (descriptor, target, positionBytes) => {
      put(vector, 0, Number(koffi.address(target)));
      put(vector, 1, target.byteLength);
      const count = preadv2(descriptor, vector, 1, positionBytes, RWF_NOWAIT);
      if (count >= 0) return count;
      return koffi.errno() === constants.errno.EOPNOTSUPP ? -2 : -1;
    },
    fetch: (descriptor, offsetBytes, lengthBytes) => {
      // Only advice: where it is not taken, the read that follows waits.
      fadvise(descriptor, offsetBytes, lengthBytes, POSIX_FADV_WILLNEED);
    },
    fetchInPool: (descriptor, offsetBytes, lengthBytes) =>
      new Promise((resolve) => {
        const advice = POSIX_FADV_WILLNEED;
        fadvise.async(descriptor, offsetBytes, lengthBytes, advice, () => resolve());
      }),
    beginWriting: (descriptor, offsetBytes, lengthBytes) => {
      // What is not begun now, and any failure, is left to the next sync.
      syncRange(descriptor, offsetBytes, lengthBytes, SYNC_FILE_RANGE_WRITE);
    },
    beginWritingInPool: (descriptor) =>
      new Promise((resolve) => {
        // To the end of the file, which 0 stands for.
        syncRange.async(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE, () => resolve());
      }),
    punchHole: (descriptor, offsetBytes, lengthBytes) =>
      new Promise((resolve, reject) => {
        const mode = FALLOC_FL_PUNCH_HOLE_AND_KEEP_SIZE;
        fallocate.async(descriptor, mode, offsetBytes, lengthBytes, (error, result) => {
          if (error === null && result === 0) resolve();
          else reject(error ?? systemError('fallocate', koffi.errno()));
        });
      }),
  };
}

/** An error as Node's own calls report it. */
export function systemError(call: string, errno: number): Error {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${code}: ${call}`), { code, errno: -errno, syscall: call });
}
