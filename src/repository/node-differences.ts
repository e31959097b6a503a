import { idBytes, isZeroId } from './block.ts';
import { bodyBytesMax, type CacheFile } from './cache-file.ts';

/** Characters of ids that are kept, about a byte each. */
const keptCharactersMax = 16 * 1024 * 1024;

interface Difference {
  readonly before: string;
  readonly added: string;
  /** The last mark of all backups that had use for it. */
  lastMark: number;
}

/**
 * By how much nodes of maps differ from the nodes that were in their place a backup earlier. Of a
 * map of which all but a little is known already, only that little is to be looked at then.
 *
 * Ids stand for content, so that none of this is ever out of date. It may be forgotten at any time,
 * and what is not kept is read. What does not fit is not kept: to forget for its sake what the same
 * mark has used would make the next one read everything.
 *
 * The local file has it for the next process, in bodies of
 *
 *     difference = id (32) ‖ id before (32) ‖ count of those added (2, little-endian) ‖ id (32) …
 */
export class NodeDifferences {
  readonly #file: CacheFile;
  readonly #charactersMax: number;
  /** The least recently used first. */
  readonly #kept = new Map<string, Difference>();
  #characters = 0;
  #mark = 0;
  /** Those that the file lacks. */
  readonly #unsaved = new Set<string>();
  #savedBytes = 0;
  #loading: Promise<void> | undefined;

  constructor(file: CacheFile, { charactersMax = keptCharactersMax } = {}) {
    this.#file = file;
    this.#charactersMax = charactersMax;
  }

  /** Begins a mark of all backups. */
  async begin(): Promise<void> {
    await (this.#loading ??= this.#load());
    this.#mark += 1;
  }

  /** Notes what `ids`, those of node `id`, has that `beforeIds`, those of `before`, has not. */
  note(id: Uint8Array, ids: Uint8Array, before: Uint8Array, beforeIds: Uint8Array): void {
    const added: Uint8Array[] = [];
    for (let at = 0; at < ids.length; at += idBytes) {
      const child = ids.subarray(at, at + idBytes);
      if (isZeroId(child) || isSameId(ids, beforeIds, at)) continue;
      added.push(child);
    }
    const difference = { before: keyOf(before), added: keyOf(Buffer.concat(added)) };
    if (this.#keep(keyOf(id), { ...difference, lastMark: this.#mark }))
      this.#unsaved.add(keyOf(id));
  }

  /** The ids below node `id` that are not in the same place below a node of `whole`, if known. */
  addedTo(whole: ReadonlySet<string>, id: Uint8Array): Uint8Array | undefined {
    const key = keyOf(id);
    const found = this.#kept.get(key);
    if (found === undefined || !whole.has(found.before)) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, { ...found, lastMark: this.#mark });
    return Buffer.from(found.added, 'latin1');
  }

  /** Writes what is new to the file, or all that is kept when most of the file is not any more. */
  async save(): Promise<void> {
    const entries = [...this.#kept];
    const keptBytes = entries.reduce((sum, [, each]) => sum + encodedBytes(each), 0);
    const fresh = entries.filter(([key]) => this.#unsaved.has(key));
    this.#unsaved.clear();
    const freshBytes = fresh.reduce((sum, [, each]) => sum + encodedBytes(each), 0);
    if (fresh.length === 0) return;
    if (this.#savedBytes + freshBytes > 2 * keptBytes) {
      this.#savedBytes = keptBytes;
      await this.#file.replace([...bodiesOf(entries)]);
      return;
    }
    this.#savedBytes += freshBytes;
    for (const body of bodiesOf(fresh)) await this.#file.append(body);
  }

  async #load(): Promise<void> {
    for (const body of await this.#file.load()) {
      this.#savedBytes += body.length;
      for (let at = 0; at < body.length;) {
        const key = keyOf(body.subarray(at, at + idBytes));
        const addedAt = at + headBytes;
        const before = keyOf(body.subarray(at + idBytes, at + 2 * idBytes));
        const end = addedAt + body.readUInt16LE(at + 2 * idBytes) * idBytes;
        const added = keyOf(body.subarray(addedAt, end));
        this.#keep(key, { before, added, lastMark: -1 });
        at = end;
      }
    }
  }

  /** False when there is no room for it. */
  #keep(key: string, difference: Difference): boolean {
    this.#forget(key);
    const size = sizeOf(difference);
    for (const [oldest, { lastMark }] of this.#kept) {
      if (this.#characters + size <= this.#charactersMax || lastMark === this.#mark) break;
      this.#forget(oldest);
    }
    if (this.#characters + size > this.#charactersMax) return false;
    this.#kept.set(key, difference);
    this.#characters += size;
    return true;
  }

  #forget(key: string): void {
    const known = this.#kept.get(key);
    if (known === undefined) return;
    this.#kept.delete(key);
    this.#unsaved.delete(key);
    this.#characters -= sizeOf(known);
  }
}

const headBytes = 2 * idBytes + 2;

function encodedBytes({ added }: Difference): number {
  return headBytes + added.length;
}

function* bodiesOf(entries: readonly [string, Difference][]): Generator<Buffer> {
  let part: Buffer[] = [];
  let lengthBytes = 0;
  for (const [key, difference] of entries) {
    lengthBytes += encodedBytes(difference);
    if (lengthBytes > bodyBytesMax) {
      yield Buffer.concat(part);
      part = [];
      lengthBytes = encodedBytes(difference);
    }
    const count = Buffer.alloc(2);
    count.writeUInt16LE(difference.added.length / idBytes);
    const ids = [key, difference.before].map((id) => Buffer.from(id, 'latin1'));
    part.push(...ids, count, Buffer.from(difference.added, 'latin1'));
  }
  if (part.length > 0) yield Buffer.concat(part);
}

/** An id, or several, as a key that takes a byte for each of theirs. */
export function keyOf(ids: Uint8Array): string {
  return Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength).toString('latin1');
}

/** What surrounds the ids takes about as much as eight of them. */
function sizeOf({ added }: Difference): number {
  return added.length + 8 * idBytes;
}

/** True when two nodes have the same id in a place. */
export function isSameId(ids: Uint8Array, others: Uint8Array, at: number): boolean {
  for (let byte = at; byte < at + idBytes; byte += 1) if (ids[byte] !== others[byte]) return false;
  return true;
}
