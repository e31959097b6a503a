import { promisify } from 'node:util';
import { bindNative } from './native-library.ts';

/** glibc keeps what was freed for who asks next; this gives whole pages of it back (malloc.h). */
const trim = bindNative(({ library }) => {
  const call = library.func('malloc_trim', 'int', ['size_t']);
  return promisify((keptBytes: number, done: (error: unknown) => void) => {
    call.async(keptBytes, done);
  });
});

/**
 * Gives memory that was freed back to the system, in a thread of the pool, while others go on.
 * Resolves when that is done; at once where the C library has no such call.
 */
export async function giveBackFree(): Promise<void> {
  await trim?.(0);
}
