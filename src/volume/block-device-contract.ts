import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readSync } from 'node:fs';
import { describe, test } from 'node:test';
import { KiB, MiB } from '../base/bytes.ts';
import { isOperatingError } from '../base/errors.ts';
import type { Reading } from '../layer/file-operations.ts';
import type { BlockDevice } from './block-device.ts';
import { requestBytesMax } from './block-device.ts';

const sector = 4 * KiB;
const deviceBytes = 160 * MiB;

/** Opens a fresh device of zeros. `readOnly` asks for one that cannot be changed. */
export type OpenDevice = (options: {
  lengthBytes: number;
  readOnly: boolean;
}) => Promise<BlockDevice>;

/** What every block device must do; `open` may be called several times in one test. */
export function blockDeviceContract(name: string, open: OpenDevice): void {
  const check = (title: string, work: (device: BlockDevice) => Promise<void>): void => {
    test(title, async () => {
      const device = await open({ lengthBytes: deviceBytes, readOnly: false });
      try {
        await work(device);
      } finally {
        await device.close();
      }
    });
  };
  describe(`${name} is a block device`, () => {
    describe('reading and writing', () => checkBytes(check));
    describe('giving back', () => checkFreeing(check));
    describe('what is done at once', () => checkImmediate(check, open));
    describe('overlapping calls', () => checkOverlap(check));
    describe('refusals', () => checkRefusals(check, open));
  });
}

type Check = (title: string, work: (device: BlockDevice) => Promise<void>) => void;

function checkBytes(check: Check): void {
  check('a fresh device reads as zeros, to its last byte', async (device) => {
    assert.equal(device.lengthBytes, deviceBytes);
    assert.equal(device.readOnly, false);
    assert.deepEqual(await readBytes(device, 0, sector), Buffer.alloc(sector));
    assert.deepEqual(await readBytes(device, deviceBytes - 10, 10), Buffer.alloc(10));
  });

  check('bytes come back from any offset, and their neighbours stay', async (device) => {
    for (const [offset, length] of [
      [0, sector],
      [1, 1],
      [sector - 1, 2],
      [3 * sector + 7, 5 * sector + 100],
      [64 * MiB - 5000, 10_000],
      [deviceBytes - 777, 777],
    ] as const) {
      const before = Math.max(0, offset - sector);
      const margin = await readBytes(device, before, offset - before);
      const content = randomBytes(length);
      await device.write(offset, content);
      assert.deepEqual(await readBytes(device, offset, length), content);
      assert.deepEqual(await readBytes(device, before, offset - before), margin);
    }
  });

  check('a request may have the greatest length', async (device) => {
    const content = randomBytes(requestBytesMax);
    await device.write(48 * MiB + 512, content);
    const read = await readBytes(device, 48 * MiB + 512, requestBytesMax);
    assert.ok(read.equals(content));
  });

  check('empty requests change nothing', async (device) => {
    await device.write(deviceBytes, Buffer.alloc(0));
    await device.zero(sector, 0);
    await device.trim(5, 0);
    await device.read(deviceBytes, Buffer.alloc(0));
    assert.deepEqual(await device.extents(0, 0), []);
  });

  check('a write into a view of a larger buffer takes the view only', async (device) => {
    const whole = randomBytes(3 * sector);
    await device.write(0, whole.subarray(100, 100 + sector));
    const target = Buffer.alloc(3 * sector, 7);
    await device.read(0, target.subarray(sector, 2 * sector));
    assert.deepEqual(target.subarray(sector, 2 * sector), whole.subarray(100, 100 + sector));
    assert.ok(target.subarray(0, sector).every((byte) => byte === 7));
    assert.ok(target.subarray(2 * sector).every((byte) => byte === 7));
  });

  check('flush resolves with and without changes', async (device) => {
    await device.flush();
    await device.write(9, Buffer.from('firn'));
    await Promise.all([device.flush(), device.flush(), device.flush()]);
    assert.equal((await readBytes(device, 9, 4)).toString(), 'firn');
  });
}

function checkImmediate(check: Check, open: OpenDevice): void {
  check(
    'what is written at once counts when that is said, and is read either way',
    async (device) => {
      const { immediate } = device;
      if (immediate === undefined) return;
      const expected = await fillSectors(device, 16);
      const counts = Array.from({ length: 4 }, (_, index) => {
        const { promise, resolve } = Promise.withResolvers<unknown>();
        const content = randomBytes((index + 1) * sector);
        if (!immediate.write(3 * index * sector, content, resolve)) return undefined;
        content.copy(expected, 3 * index * sector);
        return promise;
      });
      immediate.settle();
      for (const count of counts) assert.equal(await count, undefined);
      assert.ok((await readBytes(device, 0, 16 * sector)).equals(expected));
      const target: Buffer = Buffer.alloc(sector);
      for (let index = 0; index < 16; index += 1) {
        const late = Promise.withResolvers<Buffer | undefined>();
        const reading: Reading = immediate.read(index * sector, target, (bytes) => {
          late.resolve(bytes === undefined ? undefined : Buffer.from(bytes));
        });
        if (reading === 'refused') continue;
        const found: Buffer | undefined = reading === 'done' ? target : await late.promise;
        const written = expected.subarray(index * sector, (index + 1) * sector);
        if (found !== undefined) assert.ok(found.equals(written));
      }
      await device.flush();
    },
  );

  check('a broken sector is written at once whole or not at all', async (device) => {
    const expected = await fillSectors(device, 4);
    const content = randomBytes(50);
    const isWritten = device.immediate?.write(100, content, () => undefined) === true;
    device.immediate?.settle();
    if (isWritten) content.copy(expected, 100);
    assert.ok((await readBytes(device, 0, 4 * sector)).equals(expected));
  });

  check('what can be taken from memory is what is read', async (device) => {
    const { immediate } = device;
    await fillSectors(device, 64);
    await device.write(17 * sector + 5, randomBytes(9 * sector));
    await device.zero(40 * sector, sector);
    for (const [offset, length] of [
      [0, 40 * sector],
      [3, 20 * sector + 100],
      [17 * sector, 512],
      [30 * sector, 20 * sector],
      [60 * sector, 8 * sector],
    ] as const) {
      const located = immediate?.locate?.(offset, length);
      if (located === undefined) continue;
      const pieces = located.map(({ descriptor, positionBytes, lengthBytes }) => {
        const piece = Buffer.alloc(lengthBytes);
        assert.equal(readSync(descriptor, piece, 0, lengthBytes, positionBytes), lengthBytes);
        return piece;
      });
      assert.ok((await readBytes(device, offset, length)).equals(Buffer.concat(pieces)));
    }
    assert.equal(immediate?.locate?.(39 * sector, 3 * sector), undefined, 'zeros are in no file');
    assert.equal(immediate?.locate?.(100 * MiB, MiB), undefined);
  });

  test('nothing is written at once to a device that cannot be changed', async () => {
    const device = await open({ lengthBytes: deviceBytes, readOnly: true });
    const done = (): void => assert.fail('nothing was written');
    assert.notEqual(device.immediate?.write(0, Buffer.alloc(sector), done), true);
    device.immediate?.settle();
    await device.close();
  });
}

async function fillSectors(device: BlockDevice, count: number): Promise<Buffer> {
  const content = randomBytes(count * sector);
  await device.write(0, content);
  return content;
}

function checkFreeing(check: Check): void {
  for (const [offset, length] of [
    [0, 4 * sector],
    [100, 50],
    [100, sector],
    [sector - 1, 2 * sector + 2],
    [6 * sector, 2 * sector + 1],
  ] as const) {
    check(`zero(${offset}, ${length}) makes zeros of just these bytes`, async (device) => {
      const expected = randomBytes(16 * sector);
      await device.write(0, expected);
      await device.zero(offset, length);
      expected.fill(0, offset, offset + length);
      assert.deepEqual(await readBytes(device, 0, expected.length), expected);
    });

    check(`trim(${offset}, ${length}) makes zeros of whole sectors only`, async (device) => {
      const expected = randomBytes(16 * sector);
      await device.write(0, expected);
      await device.trim(offset, length);
      const from = Math.ceil(offset / sector) * sector;
      const to = Math.floor((offset + length) / sector) * sector;
      if (from < to) expected.fill(0, from, to);
      assert.deepEqual(await readBytes(device, 0, expected.length), expected);
    });
  }

  check('a sector that was zeroed and partly written again is completed with zeros', async (d) => {
    await d.write(0, randomBytes(2 * sector));
    await d.zero(0, 2 * sector);
    await d.flush();
    await d.write(sector + 10, Buffer.from('x'));
    const expected = Buffer.alloc(2 * sector);
    expected.write('x', sector + 10);
    assert.deepEqual(await readBytes(d, 0, 2 * sector), expected);
  });

  check('what was freed at the end can be written and read again', async (device) => {
    await device.write(deviceBytes - 64 * sector, randomBytes(64 * sector));
    await device.flush();
    await device.zero(deviceBytes - 64 * sector, 64 * sector);
    await device.flush();
    await device.write(deviceBytes - 8 * sector, Buffer.alloc(sector, 3));
    const expected = Buffer.alloc(64 * sector);
    expected.fill(3, 56 * sector, 57 * sector);
    assert.deepEqual(await readBytes(device, deviceBytes - 64 * sector, 64 * sector), expected);
  });

  check('extents cover the range in order, and data is said of what was written', async (d) => {
    await d.write(2 * sector, randomBytes(sector));
    await d.write(64 * MiB, randomBytes(3 * sector));
    await d.zero(64 * MiB + sector, sector);
    const extents = await d.extents(100, deviceBytes - 200);
    let at = 100;
    for (const [index, extent] of extents.entries()) {
      assert.equal(extent.offsetBytes, at);
      assert.ok(extent.lengthBytes > 0);
      if (index > 0) assert.notEqual(extent.kind, extents[index - 1]?.kind);
      at += extent.lengthBytes;
    }
    assert.equal(at, deviceBytes - 100);
    assert.deepEqual(
      extents.filter(({ kind }) => kind === 'data').map((e) => [e.offsetBytes, e.lengthBytes]),
      [
        [2 * sector, sector],
        [64 * MiB, sector],
        [64 * MiB + 2 * sector, sector],
      ],
    );
  });
}

function checkOverlap(check: Check): void {
  check('parts of one sector that are written at the same time all arrive', async (device) => {
    await device.write(0, Buffer.alloc(4 * sector, 1));
    const parts = Array.from({ length: 64 }, (_, index) => index);
    await Promise.all(
      parts.map((index) => device.write(index * 200 + 50, Buffer.alloc(100, index + 2))),
    );
    const expected = Buffer.alloc(4 * sector, 1);
    for (const index of parts) expected.fill(index + 2, index * 200 + 50, index * 200 + 150);
    assert.deepEqual(await readBytes(device, 0, 4 * sector), expected);
  });

  check('of two writes to the same sectors each sector has one', async (device) => {
    for (let round = 0; round < 10; round += 1) {
      await Promise.all([
        device.write(0, Buffer.alloc(8 * sector, 1)),
        device.write(2 * sector, Buffer.alloc(8 * sector, 2)),
        device.zero(sector, 2 * sector),
      ]);
      const read = await readBytes(device, 0, 10 * sector);
      for (let at = 0; at < read.length; at += sector) {
        const [first] = read.subarray(at, at + sector);
        assert.ok(read.subarray(at, at + sector).every((byte) => byte === first));
      }
    }
  });

  check('a read sees every write that resolved before it', async (device) => {
    await Promise.all(
      Array.from({ length: 32 }, async (_, index) => {
        const content = randomBytes(sector);
        await device.write(index * sector, content);
        assert.deepEqual(await readBytes(device, index * sector, sector), content);
      }),
    );
  });
}

function checkRefusals(check: Check, open: OpenDevice): void {
  check('a range outside, or a request that is too long, is a mistake of the caller', async (d) => {
    await assert.rejects(d.read(deviceBytes - 1, Buffer.alloc(2)), { name: 'AssertionError' });
    await assert.rejects(d.write(deviceBytes, Buffer.alloc(1)), { name: 'AssertionError' });
    await assert.rejects(d.zero(-1, 2), { name: 'AssertionError' });
    await assert.rejects(d.trim(0.5, 1), { name: 'AssertionError' });
    await assert.rejects(d.zero(0, requestBytesMax + 1), { name: 'AssertionError' });
    await assert.rejects(d.extents(0, deviceBytes + 1), { name: 'AssertionError' });
  });

  test('nothing is called after close, and closing twice is no error', async () => {
    const device = await open({ lengthBytes: deviceBytes, readOnly: false });
    await device.close();
    await device.close();
    await assert.rejects(device.read(0, Buffer.alloc(1)), { name: 'AssertionError' });
    await assert.rejects(device.flush(), { name: 'AssertionError' });
  });

  test('a read-only device reads, and refuses every change', async () => {
    const device = await open({ lengthBytes: deviceBytes, readOnly: true });
    const isRefusal = (error: unknown): boolean => isOperatingError(error, 'read_only');
    assert.equal(device.readOnly, true);
    assert.deepEqual(await readBytes(device, 5, 5), Buffer.alloc(5));
    await assert.rejects(device.write(0, Buffer.alloc(1)), isRefusal);
    await assert.rejects(device.zero(0, sector), isRefusal);
    await assert.rejects(device.trim(0, sector), isRefusal);
    await device.flush();
    await device.close();
  });
}

async function readBytes(device: BlockDevice, offset: number, length: number): Promise<Buffer> {
  const target = Buffer.alloc(length, 0xee);
  await device.read(offset, target);
  return target;
}
