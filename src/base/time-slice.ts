import { bindNative, type NativeLibrary } from './native-library.ts';

/** The shortest slice that the kernel gives. */
export const shortSliceNs = 100_000;

/** The numbers of sched_setattr(2) and sched_getattr(2), by processor (asm/unistd.h). */
const numbers: Partial<Record<NodeJS.Architecture, { set: number; get: number }>> = {
  x64: { set: 314, get: 315 },
  arm64: { set: 274, get: 275 },
};

/** struct sched_attr as of Linux 4.8 (linux/sched/types.h): its size and the places of fields. */
const attributeBytes = 56;
const at = { sizeBytes: 0, policy: 4, flags: 8, runtimeNs: 24 } as const;
/** The policy of threads that nobody has given another one: `SCHED_OTHER`. */
const ordinary = 0;
/** Threads that this one makes have the ordinary slice: `SCHED_FLAG_RESET_ON_FORK`. */
const resetOnFork = 0x01;

/**
 * Asks for short slices of processor time for the calling thread: it gets as much of it as before,
 * in smaller pieces, so when it wakes up it has its turn before threads that have work for long.
 * Before Linux 6.12, and where it is not allowed, nothing changes.
 */
export function shortenSlices(): void {
  calls?.shorten();
}

/** How long the slices of the calling thread are; undefined or 0 where the kernel does not tell. */
export function sliceNs(): number | undefined {
  return calls?.lengthNs();
}

const calls = bindNative(bind);

function bind({ library }: NativeLibrary) {
  const number = numbers[process.arch];
  if (number === undefined) return undefined;
  const set = library.func('syscall', 'int64', ['int64', 'int', 'void *', 'uint']);
  const get = library.func('syscall', 'int64', ['int64', 'int', 'void *', 'uint', 'uint']);
  const read = (): Buffer => {
    const attributes = Buffer.alloc(attributeBytes);
    get(number.get, 0, attributes, attributeBytes, 0);
    return attributes;
  };
  return {
    shorten() {
      const attributes = read();
      // What the operator has chosen stays; so does the priority, which was read with it.
      if (attributes.readUInt32LE(at.policy) !== ordinary) return;
      attributes.writeUInt32LE(attributeBytes, at.sizeBytes);
      attributes.writeBigUInt64LE(BigInt(resetOnFork), at.flags);
      attributes.writeBigUInt64LE(BigInt(shortSliceNs), at.runtimeNs);
      set(number.set, 0, attributes, 0);
    },
    lengthNs: () => Number(read().readBigUInt64LE(at.runtimeNs)),
  };
}
