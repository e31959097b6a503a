import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  countData,
  dataEndOf,
  isValidPage,
  kindAt,
  overlayPage,
  pageBytes,
  pageSectors,
  runEnd,
  setKinds,
} from './map-page.ts';
import type { SectorKind } from './sector.ts';
import { absent, data, zero } from './sector.ts';

const range = fc.record({
  from: fc.nat({ max: pageSectors - 1 }),
  length: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: pageSectors })),
  kind: fc.constantFrom<SectorKind>(absent, data, zero),
});

function pageOf(ranges: readonly { from: number; length: number; kind: SectorKind }[]): {
  page: Uint8Array;
  kinds: Uint8Array;
} {
  const page = new Uint8Array(pageBytes);
  const kinds = new Uint8Array(pageSectors);
  for (const { from, length, kind } of ranges) {
    const to = Math.min(pageSectors, from + length);
    const isChange = kinds.subarray(from, to).some((each) => each !== kind);
    assert.equal(setKinds(page, from, to, kind), isChange);
    kinds.fill(kind, from, to);
  }
  return { page, kinds };
}

test('a page says of each sector what was set last', () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 6 }), (ranges) => {
      const { page, kinds } = pageOf(ranges);
      assert.ok(isValidPage(page));
      assert.ok(kinds.every((kind, index) => kindAt(page, index) === kind));
      assert.equal(countData(page), kinds.filter((kind) => kind === data).length);
      assert.equal(dataEndOf(page), kinds.lastIndexOf(data) + 1);
      for (let index = 0; index < pageSectors;) {
        const end = runEnd(page, index, pageSectors);
        assert.ok(kinds.subarray(index, end).every((kind) => kind === kinds[index]));
        assert.ok(end === pageSectors || kinds[end] !== kinds[index]);
        index = end;
      }
    }),
    { numRuns: 40 },
  );
});

test('a run ends at the limit that is given', () => {
  assert.equal(runEnd(new Uint8Array(pageBytes), 3, 10), 10);
});

test('what the upper page says holds, and the lower one where it says nothing', () => {
  const ranges = fc.array(range, { maxLength: 4 });
  fc.assert(
    fc.property(ranges, ranges, (below, above) => {
      const lower = pageOf(below);
      const upper = pageOf(above);
      const both = overlayPage(lower.page, upper.page);
      for (let index = 0; index < pageSectors; index += 1) {
        const top = upper.kinds[index];
        assert.equal(kindAt(both, index), top === absent ? lower.kinds[index] : top);
      }
    }),
    { numRuns: 40 },
  );
});

test('the bits 11 are no kind', () => {
  for (let part = 0; part < 4; part += 1) {
    const page = new Uint8Array(pageBytes);
    page[77] = 3 << (part * 2);
    assert.equal(isValidPage(page), false);
  }
});
