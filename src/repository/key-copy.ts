import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../base/durable-file.ts';

/**
 * A local copy of the object in the store that holds the master key, wrapped, for the day on which
 * the store has lost it: without it no key opens the repository. It is as safe to keep as the
 * object itself: nobody opens it without the wrapping key.
 */
export class KeyCopy {
  readonly #folder: string;
  readonly #path: string;

  constructor(folder: string, repositoryId: string) {
    this.#folder = folder;
    this.#path = join(folder, `${repositoryId}.key`);
  }

  /** The object's bytes, which nobody has checked; undefined where there is no copy. */
  async read(): Promise<Buffer | undefined> {
    try {
      return await readFile(this.#path);
    } catch {
      return undefined;
    }
  }

  /** Puts it in the place of an older one. Work goes on where that fails. */
  async keep(bytes: Uint8Array): Promise<void> {
    if ((await this.read())?.equals(bytes) === true) return;
    try {
      await mkdir(this.#folder, { recursive: true });
      await writeDurably(this.#path, bytes, { mode: 0o600 });
    } catch {
      // The next opening tries again.
    }
  }
}
