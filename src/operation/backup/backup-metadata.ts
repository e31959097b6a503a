import type { Metadata } from '../../catalog/tables.ts';

/** Keys under which the API shows figures of a backup beside its owner's metadata. */
export const progressKeys = [
  'firn:progress',
  'firn:bytes_done',
  'firn:bytes_total',
  'firn:bytes_stored',
  'firn:verified_at',
  'firn:verified',
] as const;

/** Keys that plans write into the metadata of what they make. */
export const noteKeys = ['firn:plan', 'firn:expires_at'] as const;

/** What Firn itself noted on a backup. */
export function notesOf(metadata: Metadata): Metadata {
  const notes = Object.entries(metadata).filter(([key]) => noteKeys.some((own) => own === key));
  return Object.fromEntries(notes);
}

/**
 * The metadata that is kept: without the keys of Firn's own figures, which clients that write back
 * all that they read send along.
 */
export function ownedMetadata(metadata: Metadata): Metadata {
  const own: readonly string[] = [...progressKeys, ...noteKeys];
  const kept = Object.entries(metadata).filter(([key]) => !own.includes(key));
  return Object.fromEntries(kept);
}
