/**
 * Makes damaged and lost objects whole again from another copy of the same object. What stands in
 * for one is checked to the last byte before it is put in its place, and read back afterwards.
 */
import { throwIfAborted } from '../base/abort.ts';
import { isOperatingError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import { getBounded } from './bounded-get.ts';
import { headerName } from './header.ts';
import { type CheckKeys, checkOf, type ObjectCheck } from './object-check.ts';

export interface MendOptions {
  readonly signal?: AbortSignal | undefined;
  /** Makes an object anew that no copy has whole, if that can be. */
  readonly remake?: (name: string) => Promise<Uint8Array | undefined>;
  /** False once an object is to be removed; asked before it is put, and after. */
  readonly isWanted?: (name: string) => boolean;
}

/**
 * Mends what can be mended of the objects that `names` names; answers which have been. A store that
 * is away is left as it is. Called by one at a time, and never beside a prune.
 */
export async function mendObjects(
  store: Store,
  parts: CheckKeys,
  names: Iterable<string>,
  options: MendOptions = {},
): Promise<string[]> {
  const mended: string[] = [];
  // Packs and indexes come before the manifests that need them.
  for (const name of [...names].sort().toReversed()) {
    throwIfAborted(options.signal);
    const check = checkOf(parts, name);
    if (check !== undefined && (await mendObject(store, { name, check }, options))) {
      mended.push(name);
    }
  }
  return mended;
}

/** Those objects that belong to no backup and are not as large as packs. */
const commonPrefixes = [headerName, 'keys/', 'indexes/'];

/** Names of such objects that are damaged, or lost, in some copy. */
export async function findDamaged(
  store: Store,
  parts: CheckKeys,
  { signal, pace }: { signal?: AbortSignal; pace?: (bytes: number) => Promise<void> },
): Promise<string[]> {
  const bad = new Set<string>();
  for (const prefix of commonPrefixes) {
    for await (const { name, sizeBytes } of store.list(prefix)) {
      const check = checkOf(parts, name);
      if (check === undefined) continue;
      for (const copy of store.copies ?? [store]) {
        throwIfAborted(signal);
        await pace?.(sizeBytes);
        if ((await readSound(copy, { name, check }, signal)) === 'bad') bad.add(name);
      }
    }
  }
  return [...bad];
}

interface Named {
  readonly name: string;
  readonly check: ObjectCheck;
}

async function mendObject(
  store: Store,
  object: Named,
  { signal, remake, isWanted = () => true }: MendOptions,
): Promise<boolean> {
  const { name } = object;
  // One that prune or the deletion of a backup has removed stays removed.
  if ((await store.sizeOf(name)) === undefined) return false;
  const bad: Store[] = [];
  let good: Uint8Array | undefined;
  for (const copy of store.copies ?? [store]) {
    const bytes = await readSound(copy, object, signal);
    if (bytes === 'bad') bad.push(copy);
    else if (bytes !== 'away') good ??= bytes;
  }
  if (bad.length === 0) return false;
  good ??= await remake?.(name);
  if (good === undefined) return false;
  let mendedAll = true;
  for (const copy of bad) {
    if (!isWanted(name)) return false;
    await copy.put(name, [good], { replace: true, ...(signal === undefined ? {} : { signal }) });
    if (!isWanted(name)) await store.remove(name);
    mendedAll &&= typeof (await readSound(copy, object, signal)) !== 'string';
  }
  return mendedAll;
}

/** The bytes of a sound copy; else whether it is damaged or lost, or cannot be had just now. */
async function readSound(
  copy: Store,
  { name, check: { bytesMax, check } }: Named,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | 'bad' | 'away'> {
  try {
    const bytes = await getBounded(copy, name, bytesMax, signal);
    await check(bytes);
    return bytes;
  } catch (error) {
    if (!isOperatingError(error) || error.code === 'aborted') throw error;
    return error.code === 'corrupt' || error.code === 'not_found' ? 'bad' : 'away';
  }
}
