import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import {
  listsAllocation,
  parseContextQuery,
  parseExportQuery,
  parseString,
  selectsAllocation,
} from './option.ts';
import { contextQuery, exportQuery, hex } from './test-server.ts';
import { encodeErrorChunk, encodeOptionReply, parseRequest, writeUInt64 } from './wire.ts';

const header = Buffer.from(
  hex('25609513 0001 0006 0123456789abcdef 0000000100000002 80000000'),
  'hex',
);

test('a request header is read field by field', () => {
  const fields = {
    flags: 1,
    type: 6,
    cookieHigh: 0x01234567,
    cookieLow: 0x89abcdef,
    offsetHigh: 1,
    offsetLow: 2,
    offsetBytes: 2 ** 32 + 2,
    lengthBytes: 2 ** 31,
    payloadBytes: 0,
  };
  assert.deepEqual(parseRequest(header, false), { extended: false, ...fields });
  const extended = hex('21e41c71 0001 0006 0123456789abcdef 0000000100000002 0000000080000000');
  const request = parseRequest(Buffer.from(extended, 'hex'), true);
  assert.deepEqual(request, { extended: true, ...fields });
});

test('a payload follows a compact write, and what carries the flag with extended headers', () => {
  const payload = (text: string, extended: boolean): number | undefined =>
    parseRequest(Buffer.from(hex(text), 'hex'), extended)?.payloadBytes;
  const rest = '0123456789abcdef 0000000100000002';
  assert.equal(payload(`25609513 0000 0001 ${rest} 00000009`, false), 9);
  assert.equal(payload(`25609513 0020 0000 ${rest} 00000009`, false), 0);
  assert.equal(payload(`21e41c71 0020 0001 ${rest} 0000000000000009`, true), 9);
  assert.equal(payload(`21e41c71 0020 0007 ${rest} 0000000000000009`, true), 9);
  assert.equal(payload(`21e41c71 0000 0001 ${rest} 0000000000000009`, true), 0);
});

test('a request header with any other magic is none', () => {
  for (let bit = 0; bit < 32; bit += 1) {
    const broken = Buffer.from(header);
    broken.writeUInt8(broken.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    assert.equal(parseRequest(broken, false), undefined);
    assert.equal(parseRequest(broken, true), undefined);
  }
});

test('64-bit numbers are written big-endian', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      const target = Buffer.alloc(8);
      writeUInt64(target, value, 0);
      assert.equal(target.readBigUInt64BE(0), BigInt(value));
    }),
  );
});

test('an option reply has the magic, the option, the type and the length', () => {
  assert.equal(
    encodeOptionReply(7, 3, Buffer.from('abc')).toString('hex'),
    hex('0003e889045565a9 00000007 00000003 00000003 616263'),
  );
});

test('an error chunk ends the reply, and its message is never over 4096 bytes', () => {
  const request = parseRequest(header, false);
  assert.ok(request);
  const short = encodeErrorChunk(request, 22, 'no');
  assert.equal(
    short.toString('hex'),
    hex('668e33ef 0001 8001 0123456789abcdef 00000008 00000016 0002 6e6f'),
  );
  assert.equal(encodeErrorChunk(request, 22, 'x'.repeat(5000)).length, 20 + 6 + 4096);
});

test('what INFO and GO carry is read back', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 40 }).filter((name) => !name.includes('\0')),
      fc.array(fc.nat(0xffff), { maxLength: 9 }),
      (name, infos) => {
        assert.deepEqual(parseExportQuery(exportQuery(name, infos)), { name, infos });
      },
    ),
  );
});

test('a cut or padded option is malformed, at every length', () => {
  const whole = exportQuery('name', [3]);
  const contexts = contextQuery('name', ['base:allocation', 'x:y']);
  for (let end = 0; end < whole.length; end += 1) {
    assert.equal(parseExportQuery(whole.subarray(0, end)), undefined);
  }
  for (let end = 0; end < contexts.length; end += 1) {
    assert.equal(parseContextQuery(contexts.subarray(0, end)), undefined);
  }
  assert.equal(parseExportQuery(Buffer.concat([whole, Buffer.alloc(1)])), undefined);
  assert.equal(parseContextQuery(Buffer.concat([contexts, Buffer.alloc(1)])), undefined);
});

test('lengths that lie about the data are malformed and cost nothing', () => {
  const lie = contextQuery('name', []);
  lie.writeUInt32BE(0xffff_ffff, lie.length - 4);
  assert.equal(parseContextQuery(lie), undefined);
  const longName = exportQuery('name');
  longName.writeUInt32BE(0xffff_ffff, 0);
  assert.equal(parseExportQuery(longName), undefined);
});

test('a string is UTF-8 of at most 4096 bytes without NUL', () => {
  assert.equal(parseString(Buffer.from('ümlaut')), 'ümlaut');
  assert.equal(parseString(Buffer.alloc(4096, 'x'))?.length, 4096);
  assert.equal(parseString(Buffer.alloc(4097, 'x')), undefined);
  assert.equal(parseString(Buffer.from('a\0b')), undefined);
  assert.equal(parseString(Buffer.from([0xff])), undefined);
});

test('random bytes never make the parsers throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      const data = Buffer.from(bytes);
      parseExportQuery(data);
      parseContextQuery(data);
    }),
  );
});

test('a wildcard lists base:allocation and does not select it', () => {
  assert.equal(listsAllocation([]), true);
  assert.equal(listsAllocation(['base:']), true);
  assert.equal(listsAllocation(['qemu:dirty-bitmap:x']), false);
  assert.equal(selectsAllocation(['base:']), false);
  assert.equal(selectsAllocation([]), false);
  assert.equal(selectsAllocation(['x:y', 'base:allocation']), true);
});
