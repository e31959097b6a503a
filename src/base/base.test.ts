import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { assert as state, assertBytes, AssertionError, must, unreachable } from './assert.ts';
import { formatBytes, isZero, roundDown, roundUp } from './bytes.ts';
import { isoMicros } from './clock.ts';
import { writeDurably } from './durable-file.ts';
import { errorTable, fromSystemError, isOperatingError, OperatingError } from './errors.ts';
import { appendExtent, type Extent } from './extent.ts';
import { isUuid, newId, newSecret } from './ids.ts';

test('assertions stop at what does not hold', () => {
  assert.throws(() => state(false, 'two is one'), /does not hold: two is one/);
  assert.throws(() => must(null, 'a thing'), AssertionError);
  assert.equal(must(0, 'a number'), 0);
  assert.throws(() => unreachable('x' as never), AssertionError);
  for (const bad of [-1, 0.5, Number.NaN, 2 ** 53]) {
    assert.throws(() => assertBytes(bad, 'length'), AssertionError);
  }
  assertBytes(0, 'length');
});

test('rounding meets the unit and stays nearest', () => {
  fc.assert(
    fc.property(fc.nat(1e9), fc.integer({ min: 1, max: 1e6 }), (value, unit) => {
      const [down, up] = [roundDown(value, unit), roundUp(value, unit)];
      assert.ok(down % unit === 0 && up % unit === 0);
      assert.ok(down <= value && value <= up && up - down <= unit);
    }),
  );
});

test('one byte that is not zero is found wherever it is', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200_000 }), fc.nat(), fc.nat(7), (length, at, shift) => {
      const data = new Uint8Array(length + shift).subarray(shift);
      assert.ok(isZero(data));
      data[at % length] = 1;
      assert.ok(!isZero(data));
    }),
    { numRuns: 50 },
  );
});

test('bytes are written for people', () => {
  assert.equal(formatBytes(0), '0 B');
  assert.equal(formatBytes(1536), '1.5 KiB');
  assert.equal(formatBytes(4 * 2 ** 30), '4.0 GiB');
  assert.equal(formatBytes(500 * 2 ** 20), '500 MiB');
});

test('times are ISO 8601 with microseconds and no zone', () => {
  assert.equal(isoMicros(0), '1970-01-01T00:00:00.000000');
  assert.equal(isoMicros(1_700_000_000_123), '2023-11-14T22:13:20.123000');
});

test('extents that touch and are alike become one', () => {
  const extents: Extent[] = [];
  appendExtent(extents, { offsetBytes: 0, lengthBytes: 4, kind: 'data' });
  appendExtent(extents, { offsetBytes: 4, lengthBytes: 0, kind: 'zero' });
  appendExtent(extents, { offsetBytes: 4, lengthBytes: 4, kind: 'data' });
  appendExtent(extents, { offsetBytes: 8, lengthBytes: 4, kind: 'zero' });
  appendExtent(extents, { offsetBytes: 16, lengthBytes: 4, kind: 'zero' });
  assert.deepEqual(
    extents.map(({ offsetBytes, lengthBytes }) => [offsetBytes, lengthBytes]),
    [
      [0, 8],
      [8, 4],
      [16, 4],
    ],
  );
});

test('system errors become operating errors that say what was done; others pass', () => {
  const system = Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC' });
  const mapped = fromSystemError(system, 'writing x');
  assert.ok(isOperatingError(mapped, 'no_space'));
  assert.equal(mapped.cause, system);
  assert.match(mapped.message, /^writing x: ENOSPC/);
  const unknown = Object.assign(new Error('?'), { code: 'EWHATEVER' });
  assert.ok(isOperatingError(fromSystemError(unknown, 'x'), 'io'));
  const mistake = new TypeError('mistake');
  assert.equal(fromSystemError(mistake, 'x'), mistake);
  assert.equal(new OperatingError('unavailable', 'x').retryable, errorTable.unavailable.retryable);
});

test('ids and secrets are what they are said to be', () => {
  assert.ok(isUuid(newId()));
  assert.ok(!isUuid(newId().toUpperCase()) && !isUuid('../etc'));
  assert.equal(newSecret().length, 43);
  assert.notEqual(newSecret(), newSecret());
});

test('a file is written whole, with its mode, or not at all', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-base-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'file');
  await writeDurably(path, 'first', { mode: 0o600 });
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await writeDurably(path, [Buffer.from('sec'), Buffer.from('ond')]);
  assert.equal(await readFile(path, 'utf8'), 'second');
  await assert.rejects(writeDurably(join(folder, 'missing', 'file'), 'x'), /ENOENT/);
  await assert.rejects(writeDurably(folder, 'x'), 'a folder is not replaced by a file');
  assert.deepEqual(await readdir(folder), ['file'], 'no temporary file is left');
});
