import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { nativeZstd, nodeZstd } from './zstd.ts';

const text = Buffer.alloc(65_536, 'a text that shrinks, ');

for (const [name, zstd, other] of [
  ['the functions of Node', nodeZstd, nativeZstd ?? nodeZstd],
  ['the functions of the library', nativeZstd, nodeZstd],
] as const) {
  describe(`zstd by ${name}`, { skip: zstd === undefined && 'cannot be called here' }, () => {
    if (zstd === undefined) return;

    it('opens what either has packed', () => {
      for (const plain of [text, text.subarray(0, 4096), randomBytes(4096), Buffer.alloc(0)]) {
        for (const packer of [zstd, other]) {
          const target = new Uint8Array(new SharedArrayBuffer(plain.length + 512));
          const length = packer.compress(plain, target);
          assert.ok(length > 0);
          assert.ok(zstd.decompress(target.subarray(0, length), 65_536).equals(plain));
        }
      }
    });

    it('packs into no less room than it needs', () => {
      const noise = randomBytes(65_536);
      assert.equal(zstd.compress(noise, new Uint8Array(noise.length - 1)), 0);
      assert.equal(zstd.compress(text, new Uint8Array(3)), 0);
    });

    it('opens nothing that is longer than allowed, or no frame', () => {
      const packed = new Uint8Array(1024);
      const length = zstd.compress(text, packed);
      const frame = packed.subarray(0, length);
      assert.throws(() => zstd.decompress(frame, text.length - 1));
      assert.throws(() => zstd.decompress(frame.subarray(0, length - 1), text.length));
      assert.throws(() => zstd.decompress(randomBytes(100), text.length));
    });
  });
}
