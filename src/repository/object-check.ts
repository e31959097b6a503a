import { isOperatingError, OperatingError } from '../base/errors.ts';
import { openIndex } from './read-index.ts';
import { type BlockKind, blockBytes, blockKinds, idBytes, nodeBytes } from './block.ts';
import { checkHeader, headerName } from './header.ts';
import { indexBytesMax, indexIdOf } from './index-format.ts';
import type { RepositoryKeys } from './keys.ts';
import { backupIdOf, openManifest, sealedManifestBytesMax } from './manifest.ts';
import { entriesOf, packBytesMax, packIdOf, packName } from './pack-format.ts';
import { openPack } from './pack-read.ts';
import { patchBytesMax } from './patch.ts';
import { blockLabel, sealBytes, unseal } from './seal.ts';
import { checkWrapped } from './wrapped-keys.ts';

export interface CheckKeys {
  readonly keys: RepositoryKeys;
  /** The key that opened the repository, where that was no passphrase. */
  readonly wrappingKey: Uint8Array | undefined;
}

/** How an object of a repository proves itself. */
export interface ObjectCheck {
  readonly bytesMax: number;
  /** Rejects with `corrupt` unless the bytes are, to the last one, what was written. */
  readonly check: (bytes: Uint8Array) => Promise<void>;
}

const jsonBytesMax = 4096;

/** How to check the object of a name; undefined for one that is not the repository's. */
export function checkOf({ keys, wrappingKey }: CheckKeys, name: string): ObjectCheck | undefined {
  const packId = packIdOf(name);
  if (packId !== undefined) {
    return { bytesMax: packBytesMax, check: (bytes) => checkPack(keys, packId, bytes) };
  }
  const indexId = indexIdOf(name);
  if (indexId !== undefined) {
    const check = async (bytes: Uint8Array) => void openIndex(keys, indexId, bytes);
    return { bytesMax: indexBytesMax + sealBytes, check };
  }
  const backupId = backupIdOf(name);
  if (backupId !== undefined) {
    const check = async (bytes: Uint8Array) => void openManifest(keys, backupId, bytes);
    return { bytesMax: sealedManifestBytesMax, check };
  }
  const { repositoryId } = keys;
  if (name === headerName) {
    return { bytesMax: jsonBytesMax, check: async (bytes) => checkHeader(bytes, repositoryId) };
  }
  const keyId = /^keys\/([0-9a-f]{32})$/.exec(name)?.[1];
  if (keyId === undefined) return undefined;
  const opens = { repositoryId, wrappingKey };
  return { bytesMax: jsonBytesMax, check: async (bytes) => checkWrapped(bytes, keyId, opens) };
}

/** Opens the directory and everything that it names. */
async function checkPack(keys: RepositoryKeys, packId: string, bytes: Uint8Array): Promise<void> {
  const subject = packName(packId);
  const sizeBytes = bytes.length;
  const get = async ({ offsetBytes, lengthBytes }: { offsetBytes: number; lengthBytes: number }) =>
    bytes.subarray(offsetBytes, offsetBytes + lengthBytes);
  const { directory } = await openPack(keys, { packId, sizeBytes }, get);
  for (const { kind, idAt, offsetBytes, lengthBytes } of entriesOf(directory, subject)) {
    const id = directory.subarray(idAt, idAt + idBytes);
    const sealed = bytes.subarray(offsetBytes, offsetBytes + lengthBytes);
    if (isSound(keys, { kind, id }, sealed)) continue;
    throw new OperatingError('corrupt', `${subject} is damaged`);
  }
}

/** Whether a sealed block, patch or node opens, and is what its id says as far as that shows. */
export function isSound(
  keys: RepositoryKeys,
  { kind, id }: { kind: BlockKind; id: Uint8Array },
  sealed: Uint8Array,
): boolean {
  const plainBytes = plainBytesOf[kind];
  try {
    const options = { subject: 'a block', plainBytesMax: plainBytes };
    const plain = unseal(keys.blockKey(id[0] ?? 0), blockLabel(kind, id), sealed, options);
    // A patch says nothing of its block alone; what opens is what was sealed.
    if (kind === blockKinds.patch) return true;
    return plain.length === plainBytes && keys.idOf(plain).equals(id);
  } catch (error) {
    if (isOperatingError(error, 'corrupt')) return false;
    throw error;
  }
}

const plainBytesOf = {
  [blockKinds.whole]: blockBytes,
  [blockKinds.patch]: patchBytesMax,
  [blockKinds.node]: nodeBytes,
};
