/**
 * Which backups damage reaches. Backups share blocks and nodes, so that each node is read once,
 * however many have it, and what is damaged below it is remembered.
 */
import { throwIfAborted } from '../base/abort.ts';
import { isOperatingError } from '../base/errors.ts';
import { hexOf, idBytes, isZeroId, nodeIds } from './block.ts';
import type { DamagedManifest } from './manifests.ts';
import type { Manifest } from './manifest.ts';
import { type MapRoot, spanBytes } from './map.ts';
import type { NodeReader } from './nodes.ts';
import type { ByteSpan } from './reader.ts';

/** Ranges that are remembered of one backup; more are told as one that holds them all. */
const rangesMax = 1000;

export interface Reached {
  readonly backupId: string;
  readonly ranges: readonly ByteSpan[];
}

/** The backups of `list` that hold what is damaged in `ranges` of a map, with where in each. */
export async function reachOf(
  nodes: NodeReader,
  { root, ranges }: { root: MapRoot; ranges: readonly ByteSpan[] },
  list: AsyncIterable<Manifest | DamagedManifest>,
  signal?: AbortSignal,
): Promise<Reached[]> {
  const reach = new Reach(nodes, signal);
  for (const range of ranges) await reach.note(root.rootId, root.depth, 0, range);
  const reached: Reached[] = [];
  for await (const found of list) {
    if ('error' in found) continue;
    const { backupId, lengthBytes, map } = found;
    const spans = await reach.spansOf(Buffer.from(map.rootId, 'hex'), map.depth);
    const ranges = spans.map(({ offsetBytes, lengthBytes: span }) => ({
      offsetBytes,
      lengthBytes: Math.min(span, lengthBytes - offsetBytes),
    }));
    if (ranges.length > 0) reached.push({ backupId, ranges });
  }
  return reached;
}

class Reach {
  readonly #nodes: NodeReader;
  readonly #signal: AbortSignal | undefined;
  readonly #bad = new Set<string>();
  /** What is damaged below a node, from its beginning on. */
  readonly #below = new Map<string, readonly ByteSpan[]>();

  constructor(nodes: NodeReader, signal: AbortSignal | undefined) {
    this.#nodes = nodes;
    this.#signal = signal;
  }

  /** Notes the blocks of a range as damaged, and nodes that cannot be read on the way to them. */
  async note(id: Uint8Array, level: number, start: number, range: ByteSpan): Promise<void> {
    const end = range.offsetBytes + range.lengthBytes;
    if (isZeroId(id) || start >= end || start + spanBytes(level) <= range.offsetBytes) return;
    const ids = level === 0 ? undefined : await this.#read(id);
    if (ids === undefined) {
      this.#bad.add(hexOf(id));
      return;
    }
    for (let at = 0; at < nodeIds; at += 1) {
      const child = ids.subarray(at * idBytes, (at + 1) * idBytes);
      await this.note(child, level - 1, start + at * spanBytes(level - 1), range);
    }
  }

  /** What is damaged of all that a node or block describes, from its beginning on. */
  async spansOf(id: Uint8Array, level: number): Promise<readonly ByteSpan[]> {
    if (isZeroId(id)) return [];
    const key = hexOf(id);
    if (this.#bad.has(key)) return [{ offsetBytes: 0, lengthBytes: spanBytes(level) }];
    if (level === 0) return [];
    const known = this.#below.get(key);
    if (known !== undefined) return known;
    throwIfAborted(this.#signal);
    const ids = await this.#read(id);
    const whole = [{ offsetBytes: 0, lengthBytes: spanBytes(level) }];
    const spans = ids === undefined ? whole : await this.#spansBelow(ids, level);
    this.#below.set(key, spans);
    return spans;
  }

  async #spansBelow(ids: Uint8Array, level: number): Promise<readonly ByteSpan[]> {
    const spans: ByteSpan[] = [];
    for (let at = 0; at < nodeIds; at += 1) {
      const child = ids.subarray(at * idBytes, (at + 1) * idBytes);
      const start = at * spanBytes(level - 1);
      for (const { offsetBytes, lengthBytes } of await this.spansOf(child, level - 1)) {
        append(spans, { offsetBytes: start + offsetBytes, lengthBytes });
      }
    }
    return spans;
  }

  async #read(id: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      return await this.#nodes.read(id, this.#signal);
    } catch (error) {
      if (isOperatingError(error, 'corrupt')) return undefined;
      throw error;
    }
  }
}

/** Adds a range, which lies behind the others. */
function append(spans: ByteSpan[], span: ByteSpan): void {
  const last = spans.at(-1);
  const touches = last !== undefined && last.offsetBytes + last.lengthBytes === span.offsetBytes;
  if (last === undefined || (!touches && spans.length < rangesMax)) {
    spans.push(span);
    return;
  }
  const lengthBytes = span.offsetBytes + span.lengthBytes - last.offsetBytes;
  spans[spans.length - 1] = { offsetBytes: last.offsetBytes, lengthBytes };
}
