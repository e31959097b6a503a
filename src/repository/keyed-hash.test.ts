import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { KeyedHash } from './keyed-hash.ts';

describe('a keyed hash', () => {
  it('is the HMAC-SHA256 of RFC 4231', () => {
    const found = new KeyedHash(Buffer.from('Jefe')).digest(
      Buffer.from('what do ya want for nothing?'),
    );
    const expected = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843';
    assert.equal(found.toString('hex'), expected);
  });

  it('is what Node says, text after text, for keys of any length up to 64 bytes', () => {
    for (const keyBytes of [0, 1, 32, 63, 64]) {
      const key = pattern(keyBytes, 7);
      const hash = new KeyedHash(key);
      for (const textBytes of [0, 1, 63, 64, 65, 65_536, 7]) {
        const text = pattern(textBytes, 13);
        const expected = createHmac('sha256', key).update(text).digest();
        assert.ok(hash.digest(text).equals(expected), `${keyBytes} ${textBytes}`);
      }
    }
  });
});

function pattern(lengthBytes: number, step: number): Buffer {
  return Buffer.from(Array.from({ length: lengthBytes }, (_, at) => (at * step) % 251));
}
