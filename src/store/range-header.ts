import { assert, assertBytes } from '../base/assert.ts';
import type { ByteRange } from './store.ts';

/** The value of an HTTP `Range` header (RFC 9110, 14.1.2), whose end is inclusive. */
export function rangeHeader({ offsetBytes, lengthBytes }: ByteRange): string {
  assertBytes(offsetBytes, 'offsetBytes');
  assertBytes(lengthBytes, 'lengthBytes');
  assert(lengthBytes > 0, 'a range header names at least one byte');
  return `bytes=${offsetBytes}-${offsetBytes + lengthBytes - 1}`;
}
