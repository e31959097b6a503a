import { randomBytes, randomUUID } from 'node:crypto';

/** A random UUID (RFC 9562, version 4) in the written form with dashes. */
export function newId(): string {
  return randomUUID();
}

/** A random id of 32 hexadecimal digits, as Keystone writes ids of users and projects. */
export function newHexId(): string {
  return randomBytes(16).toString('hex');
}

/**
 * A secret of `bytes` random bytes in URL-safe base64 (RFC 4648, section 5). Its first sign is
 * never a dash: a command line (`openstack token revoke SECRET`) would take it for an option.
 */
export function newSecret(bytes = 32): string {
  let secret: string;
  do secret = randomBytes(bytes).toString('base64url');
  while (secret.startsWith('-'));
  return secret;
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** True for a UUID in lower case with dashes: the only form in which Firn writes one. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}
