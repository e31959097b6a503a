import { OperatingError } from '../base/errors.ts';
import type { ByteRange, Store } from '../store/store.ts';
import { fromAnyCopy } from './any-copy.ts';
import type { PackContent } from './index-format.ts';
import type { RepositoryKeys } from './keys.ts';
import {
  decodeTrailer,
  directoryBytesMax,
  entriesOf,
  packBytesMax,
  packName,
  trailerBytes,
} from './pack-format.ts';
import { objectLabel, unseal } from './seal.ts';

/**
 * Reads from a pack itself what it holds, and checks that the blocks and the directory fill it
 * exactly. Rejects with `corrupt` when they do not, or when it does not open.
 */
export async function readPackContent(
  store: Store,
  keys: RepositoryKeys,
  { packId, sizeBytes }: { packId: string; sizeBytes: number },
): Promise<PackContent> {
  const name = packName(packId);
  const read = (each: Store): Promise<PackContent> =>
    openPack(keys, { packId, sizeBytes }, async (range) => each.get(name, { range }));
  return fromAnyCopy(store, read);
}

/** What a pack holds, by reading ranges of it, as `readPackContent` does. */
export async function openPack(
  keys: RepositoryKeys,
  { packId, sizeBytes }: { packId: string; sizeBytes: number },
  get: (range: ByteRange) => Promise<Uint8Array>,
): Promise<PackContent> {
  const subject = `the pack ${packName(packId)}`;
  const damaged = new OperatingError('corrupt', `${subject} is damaged`);
  if (sizeBytes < trailerBytes || sizeBytes > packBytesMax) throw damaged;
  const trailerAt = sizeBytes - trailerBytes;
  const trailer = await get({ offsetBytes: trailerAt, lengthBytes: trailerBytes });
  const lengthBytes = decodeTrailer(trailer, subject);
  const offsetBytes = trailerAt - lengthBytes;
  if (offsetBytes < 0) throw damaged;
  const sealed = await get({ offsetBytes, lengthBytes });
  const directory = unseal(keys.objectKey('directory'), objectLabel('directory', packId), sealed, {
    subject,
    plainBytesMax: directoryBytesMax,
  });
  let end = 0;
  for (const entry of entriesOf(directory, subject)) end = entry.offsetBytes + entry.lengthBytes;
  if (end !== offsetBytes) throw damaged;
  return { packId, sizeBytes, directory };
}
