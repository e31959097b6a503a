import assert from 'node:assert/strict';
import test from 'node:test';
import { errorTable, OperatingError, type ErrorCode } from '../base/errors.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import { errno, refusalOf } from './errno.ts';
import { refusalOfRequest } from './validate.ts';
import { command, commandFlag } from './wire.ts';

const lengthBytes = 2 ** 36;
const writable = openMemoryDevice({ lengthBytes });
const readOnly = openMemoryDevice({ lengthBytes, readOnly: true });

interface SessionWish {
  readonly readOnly?: boolean;
  readonly structured?: boolean;
  readonly extended?: boolean;
  readonly allocation?: boolean;
}

function check(
  type: number,
  rest: { flags?: number; offset?: number; length?: number } = {},
  session: SessionWish = {},
): number {
  const { flags = 0, length = 0 } = rest;
  const { extended = false } = session;
  const carries = extended ? (flags & commandFlag.payloadLength) !== 0 : type === command.write;
  const request = {
    extended,
    type,
    flags,
    cookieHigh: 0,
    cookieLow: 0,
    offsetHigh: 0,
    offsetLow: 0,
    offsetBytes: rest.offset ?? 0,
    lengthBytes: length,
    payloadBytes: carries ? length : 0,
  };
  const { structured = true, allocation = true } = session;
  const device = session.readOnly === true ? readOnly : writable;
  return refusalOfRequest(request, { device, structured, allocation })?.errno ?? 0;
}

test('a range past the end is ENOSPC for what writes and EINVAL for the rest', () => {
  for (const offset of [lengthBytes, lengthBytes - 1, 2 ** 63, 2 ** 64 - 1]) {
    const range = { offset, length: 2 };
    assert.equal(check(command.write, range), errno.ENOSPC);
    assert.equal(check(command.writeZeroes, range), errno.ENOSPC);
    assert.equal(check(command.read, range), errno.EINVAL);
    assert.equal(check(command.trim, range), errno.EINVAL);
    assert.equal(check(command.cache, range), errno.EINVAL);
    assert.equal(check(command.blockStatus, range), errno.EINVAL);
  }
  assert.equal(check(command.write, { offset: lengthBytes - 2, length: 2 }), 0);
});

test('changes of a read-only export are EPERM, reads are not', () => {
  const session = { readOnly: true };
  for (const type of [command.write, command.trim, command.writeZeroes]) {
    assert.equal(check(type, { length: 1 }, session), errno.EPERM);
  }
  assert.equal(check(command.read, { length: 1 }, session), 0);
  assert.equal(check(command.flush, {}, session), 0);
});

test('unknown commands and flags, and flags of another command, are EINVAL', () => {
  for (const type of [8, 9, 0x7fff, 0xffff]) assert.equal(check(type), errno.EINVAL);
  const { fua, noHole, df, reqOne, fastZero } = commandFlag;
  const allowed = new Map<number, number>([
    [command.read, fua | df],
    [command.write, fua],
    [command.flush, fua],
    [command.trim, fua],
    [command.cache, fua],
    [command.writeZeroes, fua | noHole | fastZero],
    [command.blockStatus, fua | reqOne],
  ]);
  for (const [type, mask] of allowed) {
    const length = type === command.flush ? 0 : 1;
    for (let bit = 0; bit < 16; bit += 1) {
      const expected = (mask & (1 << bit)) === 0 ? errno.EINVAL : 0;
      assert.equal(check(type, { flags: 1 << bit, length }), expected, `${type} bit ${bit}`);
    }
  }
  assert.equal(check(command.read, { flags: df }, { structured: false }), errno.EINVAL);
});

test('a read is at most 32 MiB; ranges without payload reach 4 GiB', () => {
  assert.equal(check(command.read, { length: 2 ** 25 }), 0);
  assert.equal(check(command.read, { length: 2 ** 25 + 1 }), errno.EOVERFLOW);
  const simple = { structured: false };
  assert.equal(check(command.read, { length: 2 ** 25 + 1 }, simple), errno.EINVAL);
  for (const type of [command.trim, command.writeZeroes, command.cache, command.blockStatus]) {
    assert.equal(check(type, { length: 2 ** 32 - 1 }), 0);
  }
});

test('with extended headers a write says that it carries data, and nothing else may', () => {
  const extended = { extended: true };
  const flags = commandFlag.payloadLength;
  assert.equal(check(command.write, { flags, length: 1 }, extended), 0);
  assert.equal(check(command.write, { length: 1 }, extended), errno.EINVAL);
  assert.equal(check(command.write, { flags, length: 1 }), errno.EINVAL);
  for (const type of [0, 3, 4, 5, 6, 7, 8]) {
    assert.equal(check(type, { flags, length: 1 }, extended), errno.EINVAL);
  }
  const long = { length: 2 ** 36 };
  for (const type of [command.trim, command.writeZeroes, command.cache, command.blockStatus]) {
    assert.equal(check(type, long, extended), 0);
    assert.equal(check(type, { length: 2 ** 63 }, extended) === 0, false);
  }
});

test('a flush has no range, a block status one and a context', () => {
  assert.equal(check(command.flush, { length: 1 }), errno.EINVAL);
  assert.equal(check(command.blockStatus, { length: 0 }), errno.EINVAL);
  assert.equal(check(command.blockStatus, { length: 1 }, { allocation: false }), errno.EINVAL);
});

test('every operating error has its value, and no message of the host reaches the client', () => {
  const expected: Partial<Record<ErrorCode, number>> = {
    no_space: errno.ENOSPC,
    quota_exceeded: errno.ENOSPC,
    read_only: errno.EPERM,
    forbidden: errno.EPERM,
    invalid_input: errno.EINVAL,
    aborted: errno.ESHUTDOWN,
  };
  for (const code of Object.keys(errorTable) as ErrorCode[]) {
    const refusal = refusalOf(new OperatingError(code, '/srv/secret'));
    assert.equal(refusal.errno, expected[code] ?? errno.EIO, code);
    assert.ok(!refusal.message.includes('/srv'));
  }
  assert.equal(refusalOf(new Error('a mistake')).errno, errno.EIO);
});
