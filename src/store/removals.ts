import { open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../base/durable-file.ts';
import { errnoOf } from '../base/errors.ts';

/**
 * The names that were removed from one store and are still to be removed from another, in a file of
 * one name a line. A name is in the file, durably, before anything is removed.
 */
export class Removals {
  readonly #path: string;
  readonly #names: Set<string>;
  /** Those that an earlier process noted, and perhaps did not get to remove. */
  readonly #inherited: Set<string>;
  #writing: Promise<void> = Promise.resolve();

  /** Reads what an earlier process left; a last line that is cut short never took effect. */
  static async open(path: string): Promise<Removals> {
    let text = '';
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
    return new Removals(path, new Set(text.split('\n').slice(0, -1)));
  }

  private constructor(path: string, names: Set<string>) {
    this.#path = path;
    this.#names = names;
    this.#inherited = new Set(names);
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  isInherited(name: string): boolean {
    return this.#inherited.has(name);
  }

  names(): string[] {
    return [...this.#names];
  }

  async add(name: string): Promise<void> {
    this.#inherited.delete(name);
    if (this.#names.has(name)) return;
    this.#names.add(name);
    await this.#inTurn(() => this.#append(name));
  }

  /** Forgets names that are removed everywhere. The file goes when the last one does. */
  async done(names: readonly string[]): Promise<void> {
    for (const name of names) {
      this.#names.delete(name);
      this.#inherited.delete(name);
    }
    if (this.#names.size === 0) {
      await this.#inTurn(async () => {
        if (this.#names.size === 0) await rm(this.#path, { force: true });
      });
    }
  }

  async #append(name: string): Promise<void> {
    const handle = await open(this.#path, 'a', 0o600);
    try {
      await handle.writeFile(`${name}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await syncFolder(dirname(this.#path));
  }

  async #inTurn(act: () => Promise<void>): Promise<void> {
    const work = this.#writing.then(act, act);
    this.#writing = work;
    await work;
  }
}
