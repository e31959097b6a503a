import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** The package that calls C functions, and the C library of the process. */
export interface NativeLibrary {
  readonly koffi: typeof Koffi;
  readonly library: Koffi.LibraryHandle;
}

/**
 * What `bind` makes of system calls that Node does not have. Undefined where they are not to be
 * had, on another system than Linux for one: everything works without them, only with more cost.
 */
export function bindNative<T>(bind: (native: NativeLibrary) => T): T | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const koffi: typeof Koffi = createRequire(import.meta.url)('koffi');
    return bind({ koffi, library: koffi.load(null) });
  } catch {
    // The package has no build for this machine, or its C library lacks a call.
    return undefined;
  }
}
