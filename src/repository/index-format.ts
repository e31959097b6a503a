/**
 * The format of an index object: the directories of many packs in one, so that a repository opens
 * with few reads. An index is a copy of what the packs say themselves; losing one costs time only.
 *
 *     plaintext = pack id (16) ‖ size of the pack (4) ‖ length of its directory (4) ‖ directory, …
 *
 * It is sealed with its own id as label and called `indexes/<id>`, 32 hexadecimal digits at random.
 */
import { assert } from '../base/assert.ts';
import { MiB } from '../base/bytes.ts';
import { OperatingError } from '../base/errors.ts';
import { directoryBytesMax, packBytesMax } from './pack-format.ts';

/** A new index object is begun when this much plaintext is reached. */
const indexBytesTarget = 8 * MiB;
export const indexBytesMax = indexBytesTarget + directoryBytesMax + 64;

const headBytes = 16 + 4 + 4;

/** What a pack holds. */
export interface PackContent {
  readonly packId: string;
  readonly sizeBytes: number;
  readonly directory: Uint8Array;
}

/** Packs in as many groups as they need index objects. */
export function* batchesOf(packs: readonly PackContent[]): Generator<PackContent[]> {
  let batch: PackContent[] = [];
  let length = 0;
  for (const pack of packs) {
    batch.push(pack);
    length += headBytes + pack.directory.length;
    if (length < indexBytesTarget) continue;
    yield batch;
    batch = [];
    length = 0;
  }
  if (batch.length > 0) yield batch;
}

/** The plaintext of one index object. */
export function encodeIndex(packs: readonly PackContent[]): Buffer {
  const parts = packs.flatMap(({ packId, sizeBytes, directory }) => {
    assert(directory.length <= directoryBytesMax, 'a directory has a limit');
    const head = Buffer.alloc(headBytes);
    head.write(packId, 'hex');
    head.writeUInt32LE(sizeBytes, 16);
    head.writeUInt32LE(directory.length, 20);
    return [head, directory];
  });
  return Buffer.concat(parts);
}

/** The packs that an index names. Throws `corrupt`, in the words of `subject`. */
export function decodeIndex(plain: Uint8Array, subject: string): PackContent[] {
  const view = Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength);
  const packs: PackContent[] = [];
  for (let at = 0; at < view.length;) {
    if (at + headBytes > view.length) throw malformed(subject);
    const sizeBytes = view.readUInt32LE(at + 16);
    const end = at + headBytes + view.readUInt32LE(at + 20);
    if (end > view.length || sizeBytes > packBytesMax) throw malformed(subject);
    const packId = view.toString('hex', at, at + 16);
    packs.push({ packId, sizeBytes, directory: view.subarray(at + headBytes, end) });
    at = end;
  }
  return packs;
}

export function indexName(indexId: string): string {
  return `indexes/${indexId}`;
}

/** The id of the index that is called `name`, or undefined when no index is called so. */
export function indexIdOf(name: string): string | undefined {
  return /^indexes\/([0-9a-f]{32})$/.exec(name)?.[1];
}

function malformed(subject: string): OperatingError {
  return new OperatingError('corrupt', `${subject} is damaged`);
}
