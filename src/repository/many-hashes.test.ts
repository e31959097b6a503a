import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { must } from '../base/assert.ts';
import { KeyedHash } from './keyed-hash.ts';
import { manyHashes } from './many-hashes.ts';

const missing = manyHashes === undefined && 'cannot be called here';

describe('hashes of many texts at a time', { skip: missing }, () => {
  for (const textBytes of [0, 64, 4096, 65_536]) {
    it(`are what Node says, however many texts of ${textBytes} bytes`, () => {
      const key = randomBytes(32);
      const hashes = must(manyHashes, 'not skipped')(key);
      const memory = randomBytes(17 * (textBytes + 1));
      const shared = new Uint8Array(new SharedArrayBuffer(memory.length));
      shared.set(memory);
      for (const count of [0, 1, 2, 7, 8, 9, 16, 17]) {
        const texts = Array.from({ length: count }, (_, n) => {
          // At any address, for each text another.
          const start = n * (textBytes + 1);
          return shared.subarray(start, start + textBytes);
        });
        const targets = texts.map(() => new Uint8Array(new SharedArrayBuffer(32)));
        hashes.digest(texts, targets);
        for (const [n, text] of texts.entries()) {
          const expected = createHmac('sha256', key).update(text).digest('hex');
          assert.equal(Buffer.from(must(targets[n], 'target')).toString('hex'), expected);
        }
      }
    });
  }

  it('keep keys apart', () => {
    const text = randomBytes(128);
    const [one, two] = [1, 2].map((n) => must(manyHashes, 'not skipped')(Buffer.alloc(64, n)));
    const [a, b, c] = [Buffer.alloc(32), Buffer.alloc(32), Buffer.alloc(32)];
    one?.digest([text], [a]);
    two?.digest([text], [b]);
    one?.digest([text], [c]);
    assert.ok(a.equals(c) && !a.equals(b));
  });

  it('refuse texts that are not equally long, or end within a block', () => {
    const hashes = must(manyHashes, 'not skipped')(Buffer.alloc(32));
    const target = Buffer.alloc(32);
    assert.throws(() => hashes.digest([Buffer.alloc(63)], [target]));
    assert.throws(() => hashes.digest([Buffer.alloc(64), Buffer.alloc(128)], [target, target]));
  });
});

it('a keyed hash says of each of many texts what it says of one', () => {
  const hash = new KeyedHash(randomBytes(32));
  const texts = Array.from({ length: 5 }, () => randomBytes(192));
  const targets = texts.map(() => Buffer.alloc(32));
  hash.digestEach(texts, targets);
  assert.deepEqual(
    targets,
    texts.map((text) => hash.digest(text)),
  );
});

const isUsual = process.platform === 'linux' && process.arch === 'x64';
it('the functions are there on most machines', { skip: !isUsual && 'another machine' }, () => {
  assert.ok(manyHashes !== undefined);
});
