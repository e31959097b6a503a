import { ok, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { KiB } from '../base/bytes.ts';
import { pageBytes, setKinds } from '../layer/map-page.ts';
import { absent, data, zero } from '../layer/sector.ts';
import { OwnerMap, absentOwner, firstSlotOwner, regionSectors, zeroOwner } from './owner-map.ts';

/** Few sectors and few owners, so that runs touch, cover and join each other. */
const fill = fc.record({
  owner: fc.integer({ min: 0, max: 3 }).map((owner) => (owner === 3 ? 0xffff : owner)),
  from: fc.integer({ min: 0, max: 400 }),
  length: fc.oneof(
    { weight: 300, arbitrary: fc.integer({ min: 0, max: 4 }) },
    { weight: 1, arbitrary: fc.constant(regionSectors) },
  ),
});

function assertAlike(map: OwnerMap, model: Uint16Array): void {
  for (let from = 0; from < 420; from += 1) {
    strictEqual(map.at(from), model[from]);
    for (const to of [from + 1, from + 5, regionSectors]) {
      let end = from + 1;
      while (end < to && model[end] === model[from]) end += 1;
      strictEqual(map.runEnd(from, to), end);
    }
  }
  strictEqual(map.at(regionSectors - 1), model[regionSectors - 1]);
}

test('an owner map says what was filled in last, whatever form it has', () => {
  let dense = 0;
  fc.assert(
    fc.property(fc.array(fill, { maxLength: 600, size: 'max' }), (fills) => {
      const map = new OwnerMap();
      const model = new Uint16Array(regionSectors);
      for (const { owner, from, length } of fills) {
        const to = Math.min(regionSectors, from + length);
        map.fill(owner, from, to);
        model.fill(owner, from, to);
      }
      assertAlike(map, model);
      if (map.sizeBytes === 32 * KiB) dense += 1;
    }),
    { numRuns: 60, seed: 11 },
  );
  ok(dense > 0, 'some had many runs');
});

test('pages of layers are laid over each other, the newest last', () => {
  const kinds = fc.constantFrom(absent, data, zero);
  const run = fc.record({
    kind: kinds,
    from: fc.integer({ min: 0, max: 400 }),
    length: fc.integer({ min: 1, max: 40 }),
  });
  fc.assert(
    fc.property(fc.array(fc.array(run, { maxLength: 8 }), { maxLength: 40 }), (layers) => {
      const map = new OwnerMap();
      const model = new Uint16Array(regionSectors);
      for (const [slot, runs] of layers.entries()) {
        const page = new Uint8Array(pageBytes);
        const said = new Uint8Array(regionSectors);
        for (const { kind, from, length } of runs) {
          setKinds(page, from, from + length, kind);
          said.fill(kind, from, from + length);
        }
        map.overlay(page, slot);
        for (const [sector, kind] of said.entries()) {
          if (kind === data) model[sector] = firstSlotOwner + slot;
          else if (kind === zero) model[sector] = zeroOwner;
        }
      }
      assertAlike(map, model);
    }),
    { numRuns: 60, seed: 12 },
  );
});

test('a map with few runs takes little memory, and none takes more than 32 KiB', () => {
  const map = new OwnerMap();
  strictEqual(map.at(0), absentOwner);
  for (let at = 0; at < 16; at += 1) map.fill(firstSlotOwner, at * 1000, at * 1000 + 10);
  ok(map.sizeBytes <= 1 * KiB);
  for (let at = 0; at < regionSectors; at += 2) map.fill(firstSlotOwner + 1, at, at + 1);
  strictEqual(map.sizeBytes, 32 * KiB);
});
