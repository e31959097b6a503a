/**
 * Signatures as the Standard Webhooks specification has them: HMAC-SHA256 over
 * `ID.TIMESTAMP.BODY`, in base64 after `v1,`; the secret is base64 after `whsec_`.
 */
import { createHmac, randomBytes } from 'node:crypto';

const secretBytes = 32;

export function newWebhookSecret(): string {
  return `whsec_${randomBytes(secretBytes).toString('base64')}`;
}

/** A secret of 24 to 64 bytes, as the specification asks. */
export function isWebhookSecret(text: string): boolean {
  const match = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text);
  const length = Buffer.from(match?.[1] ?? '', 'base64').length;
  return length >= 24 && length <= 64;
}

export function sign(secret: string, id: string, timestamp: number, body: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const digest = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return `v1,${digest}`;
}
