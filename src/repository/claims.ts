/**
 * Who needs a backup besides the record it was made for: imported records, also of other
 * installations that share the store.
 *
 *     claims/<backup id>/<record id>    an imported record stands for this backup
 *     claims/<backup id>/released       the record it was made for is gone
 *
 * Both are empty. A backup's data goes with the last of its records.
 */
import { OperatingError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';

const released = 'released';

const folderOf = (backupId: string): string => `claims/${backupId}/`;

async function claimsOf(store: Store, backupId: string): Promise<string[]> {
  const folder = folderOf(backupId);
  const objects = await Array.fromAsync(store.list(folder));
  return objects.map(({ name }) => name.slice(folder.length));
}

/** Claims a backup for an imported record. May be repeated. */
export async function addClaim(store: Store, backupId: string, recordId: string): Promise<void> {
  await putOnce(store, `${folderOf(backupId)}${recordId}`);
}

/**
 * Gives up the claim of an imported record, or with `recordId` undefined that of the record which
 * the backup was made for. True when nobody else has one: the backup is to be removed.
 */
export async function dropClaim(
  store: Store,
  backupId: string,
  recordId: string | undefined,
): Promise<boolean> {
  const own = recordId ?? released;
  const claims = await claimsOf(store, backupId);
  const others = claims.filter((name) => name !== own && name !== released);
  const isReleased = recordId === undefined || claims.includes(released);
  if (recordId !== undefined) await store.remove(`${folderOf(backupId)}${recordId}`);
  if (others.length === 0 && isReleased) return true;
  if (recordId === undefined) await putOnce(store, `${folderOf(backupId)}${released}`);
  return false;
}

/** Removes what is left of the claims when the backup is gone. */
export async function forgetClaims(store: Store, backupId: string): Promise<void> {
  await store.remove(`${folderOf(backupId)}${released}`);
}

async function putOnce(store: Store, name: string): Promise<void> {
  try {
    await store.put(name, []);
  } catch (error) {
    if (!(error instanceof OperatingError && error.code === 'exists')) throw error;
  }
}
