/**
 * How a repository says what it is. `repository.json` is written once, last when a repository is
 * made, and holds no key (`wrapped-keys.ts` has these):
 *
 *     { "format": "firn-repository", "version": 1, "repositoryId": UUID, "createdAt": ISO 8601 }
 */
import { randomBytes } from 'node:crypto';
import { randomUnit } from '../base/chance.ts';
import { type Clock, isoMicros } from '../base/clock.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { isUuid, newId } from '../base/ids.ts';
import type { JsonObject } from '../base/json.ts';
import { sleep } from '../store/retry.ts';
import type { Store } from '../store/store.ts';
import { fromAnyCopy } from './any-copy.ts';
import { damagedObject, parseAsWritten, readJsonObject } from './json-object.ts';
import { keyBytes, RepositoryKeys } from './keys.ts';
import type { Lease } from './lease.ts';
import { Leases } from './leases.ts';
import { packIdOf } from './pack-format.ts';
import { addWrappingKey, type KeySecret, unwrapKeys } from './wrapped-keys.ts';

export const headerName = 'repository.json';
/** At least, before somebody asks again whether it is his turn to make a repository. */
const turnPauseMs = 100;

/**
 * Writes a new, empty repository. Rejects with `exists` when there is one, and with `corrupt` where
 * one has lost what says what it is: nothing of it could be read beside a new one.
 */
export async function writeHeader(
  store: Store,
  { wrappingKey, clock }: { wrappingKey: Uint8Array; clock: Clock },
): Promise<void> {
  const turn = await takeTurn(store);
  try {
    // Whoever had the turn before may have made one.
    await throwIfThere(store);
    await throwIfHeadless(store);
    await writeKeyAndHeader(store, wrappingKey, clock);
  } finally {
    await turn.release();
  }
}

/**
 * Several may come at once, and not every store refuses a name that is taken: one after the other.
 */
async function takeTurn(store: Store): Promise<Lease> {
  const leases = new Leases(store, undefined);
  for (;;) {
    await throwIfThere(store);
    try {
      return await leases.takeTurn('create');
    } catch (error) {
      if (!isOperatingError(error, 'conflict')) throw error;
      await sleep(turnPauseMs * (1 + randomUnit()), undefined);
    }
  }
}

async function writeKeyAndHeader(
  store: Store,
  wrappingKey: Uint8Array,
  clock: Clock,
): Promise<void> {
  const repositoryId = newId();
  const keys = new RepositoryKeys(randomBytes(keyBytes), repositoryId);
  const keyId = await addWrappingKey(store, keys, wrappingKey);
  const createdAt = isoMicros(clock.now());
  const header = { format: 'firn-repository', version: 1, repositoryId, createdAt };
  try {
    await store.put(headerName, [Buffer.from(JSON.stringify(header))]);
  } catch (error) {
    if (!isOperatingError(error, 'exists')) throw error;
    // Somebody else made one in the meantime; the key of ours opens nothing.
    await store.remove(`keys/${keyId}`);
    throw existsError(store);
  }
}

/** Rejects with `not_found` when there is no repository, and with `corrupt`. */
export async function readRepositoryId(store: Store): Promise<string> {
  return fromAnyCopy(store, async (each) =>
    idOfHeader(await readJsonObject(each, headerName, 'firn-repository')),
  );
}

/** Throws `corrupt` unless the bytes of `repository.json` are those of this repository. */
export function checkHeader(bytes: Uint8Array, repositoryId: string): void {
  const header = parseAsWritten(bytes, headerName, 'firn-repository');
  if (idOfHeader(header) !== repositoryId) throw damagedObject(headerName);
}

function idOfHeader({ repositoryId }: JsonObject): string {
  if (typeof repositoryId === 'string' && isUuid(repositoryId)) return repositoryId;
  throw damagedObject(headerName);
}

/**
 * The keys of the repository. Rejects with `not_found` when there is no repository, `wrong_key`
 * when no wrapped key is for this secret, and `corrupt`. `copyFolder`: where a local copy of the
 * wrapped key is kept.
 */
export async function readHeader(
  store: Store,
  secret: KeySecret,
  copyFolder?: string,
): Promise<RepositoryKeys> {
  return unwrapKeys(store, await readRepositoryId(store), secret, copyFolder);
}

/** Rejects with `corrupt` where there are packs and no header, and says how to bring it back. */
export async function throwIfHeadless(store: Store): Promise<void> {
  for await (const { name } of store.list('packs/', { isSizeNeeded: () => false })) {
    if (packIdOf(name) === undefined) continue;
    const header = { format: 'firn-repository', version: 1, repositoryId: await idInKeys(store) };
    const anew =
      header.repositoryId === undefined ? '' : `, or write it anew as ${JSON.stringify(header)}`;
    throw new OperatingError(
      'corrupt',
      `${store.url} holds a repository that has lost its ${headerName}: put it back from a copy ` +
        `of the store${anew}`,
    );
  }
}

/** The repository that the wrapped keys are of; undefined where they are gone as well. */
async function idInKeys(store: Store): Promise<string | undefined> {
  for await (const { name } of store.list('keys/')) {
    const { repositoryId } = await readJsonObject(store, name, 'firn-key');
    if (typeof repositoryId === 'string' && isUuid(repositoryId)) return repositoryId;
  }
  return undefined;
}

async function throwIfThere(store: Store): Promise<void> {
  if ((await store.sizeOf(headerName)) !== undefined) throw existsError(store);
}

function existsError(store: Store): OperatingError {
  return new OperatingError('exists', `${store.url} holds a repository already`);
}
