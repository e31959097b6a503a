import { readFile, rm } from 'node:fs/promises';
import { writeDurably } from '../base/durable-file.ts';
import { errnoOf, fromSystemError } from '../base/errors.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';

/**
 * A small local file that remembers how far a piece of work has come, so that it goes on from there
 * after a crash. What belongs to other work, or is damaged, counts as nothing: the work then begins
 * anew, which is never wrong.
 */
export class PlaceFile {
  readonly #path: string;
  readonly #purpose: string;

  /** `purpose` tells this work from any other that may have used the path. */
  constructor(path: string, purpose: string) {
    this.#path = path;
    this.#purpose = purpose;
  }

  async read(): Promise<JsonObject | undefined> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw fromSystemError(error, `Reading ${this.#path}`);
    }
    const value = parsed(text);
    if (!isJsonObject(value) || value['purpose'] !== this.#purpose) return undefined;
    const { place } = value;
    return isJsonObject(place) ? place : undefined;
  }

  /** Durable when it resolves. */
  async write(place: JsonObject): Promise<void> {
    try {
      await writeDurably(this.#path, JSON.stringify({ purpose: this.#purpose, place }));
    } catch (error) {
      throw fromSystemError(error, `Writing ${this.#path}`);
    }
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
