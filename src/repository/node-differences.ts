import { idBytes, isZeroId } from './block.ts';

/** Characters of ids that are kept, about a byte each. */
const keptCharactersMax = 16 * 1024 * 1024;

interface Difference {
  readonly before: string;
  readonly added: string;
}

/**
 * By how much nodes of maps differ from the nodes that were in their place a backup earlier. Of a
 * map of which all but a little is known already, only that little is to be looked at then.
 *
 * Ids stand for content, so that none of this is ever out of date. It may be forgotten at any time,
 * and what is not kept is read.
 */
export class NodeDifferences {
  readonly #kept = new Map<string, Difference>();
  #characters = 0;

  /** Notes what `ids`, those of node `id`, has that `beforeIds`, those of `before`, has not. */
  note(id: Uint8Array, ids: Uint8Array, before: Uint8Array, beforeIds: Uint8Array): void {
    const added: Uint8Array[] = [];
    for (let at = 0; at < ids.length; at += idBytes) {
      const child = ids.subarray(at, at + idBytes);
      if (isZeroId(child) || isSameId(ids, beforeIds, at)) continue;
      added.push(child);
    }
    this.#keep(keyOf(id), { before: keyOf(before), added: keyOf(Buffer.concat(added)) });
  }

  /** The ids below node `id` that are not in the same place below a node of `whole`, if known. */
  addedTo(whole: ReadonlySet<string>, id: Uint8Array): Uint8Array | undefined {
    const found = this.#kept.get(keyOf(id));
    if (found === undefined || !whole.has(found.before)) return undefined;
    return Buffer.from(found.added, 'latin1');
  }

  #keep(key: string, difference: Difference): void {
    this.#forget(key);
    this.#kept.set(key, difference);
    this.#characters += sizeOf(difference);
    for (const oldest of this.#kept.keys()) {
      if (this.#characters <= keptCharactersMax) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    const known = this.#kept.get(key);
    if (known === undefined) return;
    this.#kept.delete(key);
    this.#characters -= sizeOf(known);
  }
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
