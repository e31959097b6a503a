import { join } from 'node:path';
import { fromSystemError } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import type { FileOperations } from '../layer/file-operations.ts';
import { parseJson, progressFile } from '../layer/layer-record.ts';
import type { Layer } from '../layer/layer.ts';

/**
 * How far a merge down has come, kept in the folder of the parent (`merge.json`,
 * docs/formats/layer.md): the child's data of all map pages below `page` is durably in the parent's
 * data file, at sectors that the child hides.
 *
 * It holds as long as nobody else writes to that file; who does, clears it first.
 */
export class MergeProgress {
  readonly #operations: FileOperations;
  readonly #into: Layer;

  constructor(operations: FileOperations, into: Layer) {
    this.#operations = operations;
    this.#into = into;
  }

  /** The page to go on with; 0 when nothing, or something else, was begun. */
  async pageFor(child: Layer): Promise<number> {
    if (!(await this.isThere())) return 0;
    const text = await this.#try('Reading', () => this.#operations.readText(this.#path));
    const value = parseJson(text, `the merge into layer ${this.#into.id}`);
    if (!isJsonObject(value)) return 0;
    const expected = this.#facts(child, 0);
    const isSame = Object.entries(expected).every(
      ([name, fact]) => name === 'page' || value[name] === fact,
    );
    const { page } = value;
    return isSame && typeof page === 'number' && Number.isSafeInteger(page) ? page : 0;
  }

  /** Notes durably that all pages below `page` are done. */
  async note(child: Layer, page: number): Promise<void> {
    const text = `${JSON.stringify(this.#facts(child, page))}\n`;
    await this.#try('Writing', () => this.#operations.writeDurably(this.#path, text));
  }

  async isThere(): Promise<boolean> {
    const names = await this.#try('Listing', () => this.#operations.list(this.#into.folder));
    return names.includes(progressFile);
  }

  /** Forgets the progress, durably. */
  async clear(): Promise<void> {
    if (!(await this.isThere())) return;
    await this.#try('Removing', async () => {
      await this.#operations.remove(this.#path);
      await this.#operations.syncFolder(this.#into.folder);
    });
  }

  get #path(): string {
    return join(this.#into.folder, progressFile);
  }

  #facts(child: Layer, page: number): Record<string, string | number> {
    const { dataFile } = this.#into.record;
    return { formatVersion: 1, child: child.id, childMap: child.record.mapFile, dataFile, page };
  }

  async #try<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw fromSystemError(error, `${doing} ${this.#path}`);
    }
  }
}
