/**
 * Who needs a backup besides the record it was made for: imported records, also of other
 * installations that share the store.
 *
 *     claims/<backup id>/<claim id>    an imported record stands for this backup
 *     claims/<backup id>/released      the record it was made for is gone
 *
 * Both are empty. A claim id is one record's alone, among those of all installations. A backup's
 * data goes with the last of its records.
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
export async function addClaim(store: Store, backupId: string, claimId: string): Promise<void> {
  await putOnce(store, `${folderOf(backupId)}${claimId}`);
}

/** What can be asked and changed without the backup itself. */
export class BackupClaims {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Whether the record that a backup was made for is gone, and others keep it. */
  async isReleased(backupId: string): Promise<boolean> {
    return (await this.#store.sizeOf(`${folderOf(backupId)}${released}`)) !== undefined;
  }

  /** Counts the record that a backup was made for as gone. The imported record keeps it. */
  async release(backupId: string, claimId: string): Promise<void> {
    await addClaim(this.#store, backupId, claimId);
    await putOnce(this.#store, `${folderOf(backupId)}${released}`);
  }

  /** Gives a claim another name, where it is there; the backup is claimed all the while. */
  async rename(backupId: string, claimId: string, newId: string): Promise<void> {
    if (!(await claimsOf(this.#store, backupId)).includes(claimId)) return;
    await addClaim(this.#store, backupId, newId);
    await this.#store.remove(`${folderOf(backupId)}${claimId}`);
  }
}

/**
 * Gives up the claim of an imported record, or with `claimId` undefined that of the record which
 * the backup was made for. True when nobody else has one: the backup is to be removed.
 */
export async function dropClaim(
  store: Store,
  backupId: string,
  claimId: string | undefined,
): Promise<boolean> {
  const own = claimId ?? released;
  const claims = await claimsOf(store, backupId);
  const others = claims.filter((name) => name !== own && name !== released);
  const isFree = claimId === undefined || claims.includes(released);
  if (claimId !== undefined) await store.remove(`${folderOf(backupId)}${claimId}`);
  if (others.length === 0 && isFree) return true;
  if (claimId === undefined) await putOnce(store, `${folderOf(backupId)}${released}`);
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
