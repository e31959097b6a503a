import { isOperatingError } from '../base/errors.ts';
import { idBytes, isZeroId } from './block.ts';
import type { BlockSource } from './fetch.ts';
import type { JournalRecord } from './journal.ts';
import type { NodeReader } from './nodes.ts';

interface Parts {
  readonly source: BlockSource;
  readonly nodes: NodeReader;
}

/** The records whose leaf and blocks are all stored, and will stay. */
export async function recordsThatHold(
  parts: Parts,
  records: readonly JournalRecord[],
  signal?: AbortSignal,
): Promise<JournalRecord[]> {
  const held = new Map<number, JournalRecord>();
  for (const record of records) {
    if (await holdsLeaf(parts, record.id, signal)) held.set(record.leafIndex, record);
  }
  return [...held.values()];
}

async function holdsLeaf(
  { source: { index }, nodes }: Parts,
  id: Uint8Array,
  signal?: AbortSignal,
): Promise<boolean> {
  if (isZeroId(id)) return true;
  if (!index.use(id)) return false;
  let ids: Uint8Array | undefined;
  try {
    ids = await nodes.read(id, signal);
  } catch (error) {
    if (isOperatingError(error, 'corrupt')) return false;
    throw error;
  }
  if (ids === undefined) return true;
  for (let at = 0; at < ids.length; at += idBytes) {
    if (!isZeroId(ids, at) && !index.use(ids, at)) return false;
  }
  return true;
}
