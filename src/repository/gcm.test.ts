import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { type Gcm, nativeGcm, nodeGcm, nonceBytes, tagBytes } from './gcm.ts';

for (const [name, gcm, other] of [
  ['the functions of Node', nodeGcm, nativeGcm ?? nodeGcm],
  ['the functions of OpenSSL', nativeGcm, nodeGcm],
] as const) {
  describe(`AES-256-GCM by ${name}`, { skip: gcm === undefined && 'cannot be called here' }, () => {
    if (gcm === undefined) return;

    it('is that of the specification', () => {
      // Test case 16 of "The Galois/Counter Mode of Operation" (McGrew, Viega).
      const key = 'feffe9928665731c6d6a8f9467308308'.repeat(2);
      const plain =
        'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c9595680953' +
        '2fcf0e2449a6b525b16aedf5aa0de657ba637b39';
      const sealed =
        '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3d' +
        'a7b08b1056828838c5f61e6393ba7a0abcc9f662' +
        '76fc6ece0f4e1768cddf8853bb2d551b';
      const sealing = {
        key: Buffer.from(key, 'hex'),
        nonce: Buffer.from('cafebabefacedbaddecaf888', 'hex'),
        label: Buffer.from('feedfacedeadbeeffeedfacedeadbeefabaddad2', 'hex'),
      };
      const target = Buffer.alloc(sealed.length / 2);
      gcm.encrypt(sealing, Buffer.from(plain, 'hex'), target);
      assert.equal(target.toString('hex'), sealed);
    });

    it('opens what either has sealed, in memory that threads share', () => {
      for (const lengthBytes of [0, 1, 16, 4096, 65_536]) {
        for (const sealer of [gcm, other]) {
          const { sealing, plain, sealed } = sealedBy(sealer, lengthBytes);
          const target = new Uint8Array(new SharedArrayBuffer(lengthBytes));
          gcm.decrypt(sealing, sealed, target);
          assert.ok(Buffer.from(target).equals(plain), `${lengthBytes} bytes`);
        }
      }
    });

    it('opens nothing of which a bit differs, and goes on to work', () => {
      const { sealing, plain, sealed } = sealedBy(gcm, 100);
      const target = Buffer.alloc(100);
      for (const part of [sealing.key, sealing.nonce, sealing.label, sealed]) {
        for (const at of [0, part.length - 1]) {
          part[at] = (part[at] ?? 0) ^ 0x10;
          assert.throws(() => gcm.decrypt(sealing, sealed, target), `${at} of ${part.length}`);
          part[at] = (part[at] ?? 0) ^ 0x10;
          gcm.decrypt(sealing, sealed, target);
          assert.ok(target.equals(plain));
        }
      }
      assert.throws(() => gcm.decrypt(sealing, sealed.subarray(1), target));
      assert.throws(() => gcm.decrypt(sealing, sealed.subarray(0, tagBytes), target));
    });
  });
}

function sealedBy(gcm: Gcm, lengthBytes: number) {
  const label = randomBytes(34);
  const sealing = { key: randomBytes(32), nonce: randomBytes(nonceBytes), label };
  const plain = randomBytes(lengthBytes);
  const sealed = new Uint8Array(new SharedArrayBuffer(lengthBytes + tagBytes));
  gcm.encrypt(sealing, plain, sealed);
  return { sealing, plain, sealed };
}

const isUsual = process.platform === 'linux' && process.arch === 'x64';
it('the functions are there on most machines', { skip: !isUsual && 'another machine' }, () => {
  assert.ok(nativeGcm !== undefined);
});
