import { createHash } from 'node:crypto';
import { newSecret } from '../base/ids.ts';

/** A new token: 32 random bytes in URL-safe base64. */
export function newToken(): string {
  return newSecret(32);
}

/**
 * Under what a token is stored: its SHA-256. A token is random in full, so that neither salt nor
 * cost is needed, and finding it by its hash tells a guesser nothing about tokens that are near.
 */
export function tokenId(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
