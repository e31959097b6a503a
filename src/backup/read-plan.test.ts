import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Extent } from '../base/extent.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import { bytesOf, planFull, planIncremental, without } from './read-plan.ts';

const blockBytes = 64 * 1024;
const sectorBytes = 4096;

const sectorRuns = (sectors: number): fc.Arbitrary<{ start: number; count: number }[]> =>
  fc.array(fc.record({ start: fc.nat(sectors - 1), count: fc.integer({ min: 1, max: 40 }) }), {
    maxLength: 12,
  });

function blocksOf(runs: readonly Extent[], kind: Extent['kind']): number[] {
  return runs
    .filter((run) => run.kind === kind)
    .flatMap((run) => {
      const count = Math.ceil(run.lengthBytes / blockBytes);
      return Array.from({ length: count }, (_, index) => run.offsetBytes / blockBytes + index);
    });
}

test('a full plan holds exactly the blocks with data', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 200 }),
      fc.infiniteStream(fc.nat()),
      async (n, random) => {
        const device = openMemoryDevice({ lengthBytes: n * sectorBytes });
        const expected = new Set<number>();
        for (let write = 0; write < 5; write += 1) {
          const sector = random.next().value % n;
          await device.write(sector * sectorBytes, Buffer.alloc(sectorBytes, 1));
          expected.add(Math.floor((sector * sectorBytes) / blockBytes));
        }
        const runs = await planFull(device, blockBytes);
        assert.deepEqual(
          blocksOf(runs, 'data'),
          [...expected].sort((a, b) => a - b),
        );
        await device.close();
      },
    ),
    { numRuns: 50 },
  );
});

test('an incremental plan reads changed blocks with data, and zeroes the others', async () => {
  const sectors = 16 * 20;
  await fc.assert(
    fc.asyncProperty(sectorRuns(sectors), sectorRuns(sectors), async (data, change) => {
      const device = openMemoryDevice({ lengthBytes: sectors * sectorBytes });
      const clip = (run: { start: number; count: number }) =>
        Math.min(run.count, sectors - run.start);
      const withData = new Set<number>();
      const written = new Set<number>();
      const changedBlocks = new Set<number>();
      for (const run of data) {
        await device.write(run.start * sectorBytes, Buffer.alloc(clip(run) * sectorBytes, 1));
        for (let s = run.start; s < run.start + clip(run); s += 1) {
          withData.add(Math.floor(s / 16));
          written.add(s);
        }
      }
      const changed: Extent[] = [];
      const flags = new Set<number>();
      for (const run of change)
        for (let s = run.start; s < run.start + clip(run); s += 1) flags.add(s);
      for (const s of [...flags].sort((a, b) => a - b)) {
        const kind = written.has(s) ? 'data' : 'zero';
        changed.push({ offsetBytes: s * sectorBytes, lengthBytes: sectorBytes, kind });
        changedBlocks.add(Math.floor(s / 16));
      }
      const runs = await planIncremental(device, changed, blockBytes);
      const expected = [...changedBlocks].sort((a, b) => a - b);
      assert.deepEqual(
        blocksOf(runs, 'data'),
        expected.filter((block) => withData.has(block)),
      );
      assert.deepEqual(
        blocksOf(runs, 'zero'),
        expected.filter((block) => !withData.has(block)),
      );
      await device.close();
    }),
    { numRuns: 100 },
  );
});

test('what was not written is asked for: scattered places together, a long one cut', async () => {
  const GiB = 1024 ** 3;
  const device = openMemoryDevice({ lengthBytes: 8 * GiB });
  const places = [0, 3 * blockBytes, 9 * blockBytes, 12 * blockBytes, 2 * GiB, 6.5 * GiB];
  for (const offset of places) await device.write(offset, Buffer.alloc(sectorBytes, 1));
  const asked: [number, number][] = [];
  const spy: typeof device = Object.assign(Object.create(device), {
    lengthBytes: device.lengthBytes,
    extents: (offsetBytes: number, lengthBytes: number) => {
      asked.push([offsetBytes, lengthBytes]);
      return device.extents(offsetBytes, lengthBytes);
    },
  });
  const sectorAt = (offsetBytes: number, kind: Extent['kind'] = 'zero'): Extent => ({
    offsetBytes,
    lengthBytes: sectorBytes,
    kind,
  });
  const changed: Extent[] = [
    ...[0, 3 * blockBytes, 5 * blockBytes].map((offset) => sectorAt(offset)),
    sectorAt(11 * blockBytes + sectorBytes, 'data'),
    sectorAt(12 * blockBytes, 'zero'),
    sectorAt(12 * blockBytes + sectorBytes, 'data'),
    sectorAt(2 * GiB),
    { offsetBytes: 5 * GiB, lengthBytes: 2.5 * GiB, kind: 'absent' },
  ];
  const runs = await planIncremental(spy, changed, blockBytes);
  assert.deepEqual(asked, [
    [0, 6 * blockBytes],
    [2 * GiB, blockBytes],
    [5 * GiB, GiB],
    [6 * GiB, GiB],
    [7 * GiB, 0.5 * GiB],
  ]);
  const run = (offsetBytes: number, lengthBytes: number, kind: Extent['kind']): Extent => ({
    offsetBytes,
    lengthBytes,
    kind,
  });
  assert.deepEqual(runs, [
    run(0, blockBytes, 'data'),
    run(3 * blockBytes, blockBytes, 'data'),
    run(5 * blockBytes, blockBytes, 'zero'),
    run(11 * blockBytes, 2 * blockBytes, 'data'),
    run(2 * GiB, blockBytes, 'data'),
    run(5 * GiB, 1.5 * GiB, 'zero'),
    run(6.5 * GiB, blockBytes, 'data'),
    run(6.5 * GiB + blockBytes, GiB - blockBytes, 'zero'),
  ]);
  await device.close();
});

test('what is done is taken out of a plan, byte by byte as a plain list says', () => {
  const extents = fc
    .uniqueArray(fc.nat(60), { maxLength: 20 })
    .map((places) => places.sort((a, b) => a - b))
    .map((places) => {
      const list: Extent[] = [];
      for (let at = 0; at + 1 < places.length; at += 2) {
        const [from = 0, to = 0] = [places[at], places[at + 1]];
        list.push({ offsetBytes: from, lengthBytes: to - from, kind: 'data' });
      }
      return list;
    });
  const bytes = (list: readonly Extent[]): Set<number> =>
    new Set(
      list.flatMap((e) => Array.from({ length: e.lengthBytes }, (_, i) => e.offsetBytes + i)),
    );
  fc.assert(
    fc.property(extents, extents, (runs, done) => {
      const left = without(runs, done);
      const expected = [...bytes(runs)].filter((byte) => !bytes(done).has(byte));
      assert.deepEqual([...bytes(left)], expected);
      assert.equal(bytesOf(left, 'data'), expected.length);
    }),
  );
});
