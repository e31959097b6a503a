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

/**
 * The metadata that is kept: without the keys of Firn's own figures, which clients that write back
 * all that they read send along.
 */
export function ownedMetadata(metadata: Metadata): Metadata {
  const kept = Object.entries(metadata).filter(([key]) => !progressKeys.some((own) => own === key));
  return Object.fromEntries(kept);
}
