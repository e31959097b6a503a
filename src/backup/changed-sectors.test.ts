import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Extent } from '../base/extent.ts';
import { blockBytes, sectorBytes } from '../repository/block.ts';
import { ChangedSectors } from './changed-sectors.ts';

test('a mask has the bits of just the sectors that changed', () => {
  const sectors = 16 * 12;
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(sectors - 1)),
      fc.nat(11),
      fc.integer({ min: 1, max: 12 }),
      (places, first, count) => {
        const changed = places
          .sort((a, b) => a - b)
          .map((sector): Extent => {
            const offsetBytes = sector * sectorBytes;
            return { offsetBytes, lengthBytes: sectorBytes, kind: sector % 3 ? 'data' : 'zero' };
          });
        const lengthBytes = Math.min(count, 12 - first) * blockBytes;
        const piece: Extent = { offsetBytes: first * blockBytes, lengthBytes, kind: 'data' };
        const masks = new ChangedSectors(changed).masksOf(piece);
        const found = [...masks].flatMap((mask, block) =>
          Array.from({ length: 16 }, (_, bit) => (mask & (1 << bit) ? [block * 16 + bit] : [])),
        );
        const expected = places
          .map((sector) => sector - first * 16)
          .filter((sector) => sector >= 0 && sector < lengthBytes / sectorBytes);
        assert.deepEqual(found.flat(), expected);
      },
    ),
  );
});
