import { throwIfAborted } from '../base/abort.ts';
import { isZero } from '../base/bytes.ts';
import { isOperatingError } from '../base/errors.ts';
import { blockBytes, idBytes, isZeroId, nodeBytes, nodeIds } from './block.ts';
import type { RepositoryKeys } from './keys.ts';
import { type MapRoot, spanBytes } from './map.ts';
import type { NodeReader } from './nodes.ts';
import type { ByteSpan } from './reader.ts';

/**
 * A place where the bytes of a backup may be had: fills `target` with what is at an offset of the
 * volume, zeros behind its end, or answers false.
 */
export type CopyReader = (offsetBytes: number, target: Uint8Array) => Promise<boolean>;

export interface NodeHealing {
  readonly keys: RepositoryKeys;
  /** Reads the copy that is to be healed, and no other. */
  readonly exact: NodeReader;
  /** Reads whatever copy is whole. */
  readonly nodes: NodeReader;
  readonly lengthBytes: number;
  readonly copies: readonly CopyReader[];
  /** Told of every node that is to be stored anew. */
  readonly found: (id: Uint8Array, plain: Uint8Array) => void;
  readonly signal: AbortSignal | undefined;
}

/** Finds the damaged nodes of a map, and makes them anew. */
export class NodeHealer {
  readonly #options: NodeHealing;

  constructor(options: NodeHealing) {
    this.#options = options;
  }

  /** Looks at every node on the way to `ranges`. */
  async heal({ rootId, depth }: MapRoot, ranges: readonly ByteSpan[]): Promise<void> {
    for (const range of ranges) await this.#healNode(rootId, depth, 0, range);
  }

  async #healNode(id: Uint8Array, level: number, start: number, range: ByteSpan): Promise<void> {
    const { exact, signal } = this.#options;
    throwIfAborted(signal);
    const end = range.offsetBytes + range.lengthBytes;
    if (isZeroId(id) || start >= end || start + spanBytes(level) <= range.offsetBytes) return;
    let ids: Uint8Array | undefined;
    try {
      ids = await exact.read(id, signal);
    } catch (error) {
      if (!isOperatingError(error, 'corrupt')) throw error;
      ids = await this.#renew(id, level, start);
    }
    if (ids === undefined || level === 1) return;
    for (let at = 0; at < nodeIds; at += 1) {
      const child = ids.subarray(at * idBytes, (at + 1) * idBytes);
      await this.#healNode(child, level - 1, start + at * spanBytes(level - 1), range);
    }
  }

  /** A damaged node as another copy has it, or as the volume's bytes make it. */
  async #renew(id: Uint8Array, level: number, start: number): Promise<Uint8Array | undefined> {
    const { nodes, copies, found, signal } = this.#options;
    try {
      const plain = await nodes.read(id, signal);
      if (plain !== undefined) found(id, plain);
      return plain;
    } catch (error) {
      if (!isOperatingError(error, 'corrupt')) throw error;
    }
    for (const copy of copies) {
      const plain = await this.#build(copy, level, start);
      if (plain === undefined || !this.#options.keys.idOf(plain).equals(id)) continue;
      found(id, plain);
      return plain;
    }
    return undefined;
  }

  /** The node that describes a copy's bytes; undefined when these cannot be read. */
  async #build(copy: CopyReader, level: number, start: number): Promise<Uint8Array | undefined> {
    const { keys, lengthBytes, signal } = this.#options;
    const plain = new Uint8Array(nodeBytes);
    const block = new Uint8Array(blockBytes);
    for (let at = 0; at < nodeIds; at += 1) {
      const childAt = start + at * spanBytes(level - 1);
      if (childAt >= lengthBytes) break;
      throwIfAborted(signal);
      if (level === 1) {
        block.fill(0);
        if (!(await copy(childAt, block))) return undefined;
        if (!isZero(block)) plain.set(keys.idOf(block), at * idBytes);
        continue;
      }
      const child = await this.#build(copy, level - 1, childAt);
      if (child === undefined) return undefined;
      if (!isZero(child)) plain.set(keys.idOf(child), at * idBytes);
    }
    return plain;
  }
}
