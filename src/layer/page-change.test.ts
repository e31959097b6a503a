import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { pageBytes, pageSectors, setKinds } from './map-page.ts';
import { MapChanges } from './map-changes.ts';
import { PageChange } from './page-change.ts';
import type { SectorKind } from './sector.ts';
import { absent, data, zero } from './sector.ts';

const kind = fc.constantFrom<SectorKind>(absent, data, zero);
const place = fc.oneof(fc.nat({ max: pageSectors - 1 }), fc.nat({ max: 40 }));
const length = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: pageSectors }));
/** Ranges that are set one after the other: one, or many at the same distance. */
const step = fc.record({
  from: place,
  length,
  kind,
  times: fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 900 })),
  distance: fc.integer({ min: 1, max: 17 }),
});

interface Range {
  readonly from: number;
  readonly to: number;
  readonly kind: SectorKind;
}

function rangesOf(steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]) {
  return steps.flatMap((each): Range[] =>
    Array.from({ length: each.times }, (_, index) => {
      const from = (each.from + index * each.distance) % pageSectors;
      const size = each.times > 1 ? Math.min(3, each.length) : each.length;
      return { from, to: Math.min(pageSectors, from + size), kind: each.kind };
    }),
  );
}

test('a change makes of any page what the same marks, one by one, make of it', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 8 }),
      fc.array(step, { maxLength: 4 }),
      (steps, below) => {
        const change = new PageChange();
        const page = new Uint8Array(pageBytes);
        for (const { from, to, kind: each } of rangesOf(below)) setKinds(page, from, to, each);
        const expected = Uint8Array.from(page);
        const said = new Uint8Array(pageSectors).fill(3);
        for (const { from, to, kind: each } of rangesOf(steps)) {
          change.set(from, to, each);
          setKinds(expected, from, to, each);
          said.fill(each, from, to);
          assert.ok(change.isAll(from, to, each));
        }
        for (const at of [0, 1, 5, 40, 900, pageSectors - 1]) {
          for (const each of [absent, data, zero] as const) {
            assert.equal(change.isAll(at, at + 1, each), said[at] === each);
            const isAll = said.subarray(0, at + 1).every((one) => one === each);
            assert.equal(change.isAll(0, at + 1, each), isAll);
          }
        }
        change.applyTo(page);
        assert.ok(Buffer.from(page).equals(expected));
        const whole = new Uint8Array(pageBytes).fill(0b10_01_10_01);
        PageChange.toPage(expected).applyTo(whole);
        assert.ok(Buffer.from(whole).equals(expected));
      },
    ),
    { numRuns: 300 },
  );
});

test('a change takes what its runs take, and never much more than a page', () => {
  const change = new PageChange();
  for (let index = 0; index < 16; index += 1) change.set(index * 900, index * 900 + 1, data);
  assert.ok(change.sizeBytes <= 600);
  change.set(0, pageSectors, zero);
  for (let index = 0; index < pageSectors; index += 2) {
    change.set(index, index + 1, data);
    assert.ok(change.sizeBytes <= pageBytes + 600);
  }
  const page = new Uint8Array(pageBytes);
  change.applyTo(page);
  assert.ok(page.every((byte) => byte === 0b10_01_10_01));
});

test('what the changes of a map take is the sum of what those of its pages take', () => {
  const changes = new MapChanges();
  const alone = new Map<number, PageChange>();
  for (let index = 0; index < 4000; index += 1) {
    const page = (index * 7) % 5;
    const from = (index * 613) % pageSectors;
    const change = alone.get(page) ?? new PageChange();
    change.set(from, from + 1, data);
    alone.set(page, change);
    changes.set(page, from, from + 1, data);
  }
  const sum = (): number => [...alone.values()].reduce((all, each) => all + each.sizeBytes, 0);
  assert.equal(changes.sizeBytes, sum());
  const page = new Uint8Array(pageBytes).fill(0b01_01_01_01);
  changes.put(3, page);
  alone.set(3, PageChange.toPage(page));
  assert.equal(changes.sizeBytes, sum());
  assert.deepEqual([...changes.pages()], [0, 1, 2, 3, 4]);
});
