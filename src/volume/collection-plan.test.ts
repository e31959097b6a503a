import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planCollection } from './collection-plan.ts';

const chain = [
  { id: 'base', parent: null },
  { id: 'middle', parent: 'base' },
  { id: 'head', parent: 'middle' },
  { id: 'dead', parent: 'base' },
];

test('what nobody leads to goes, and what only one child needs is merged', () => {
  assert.deepEqual(planCollection(chain, new Set(['head', 'base'])), {
    removals: ['dead'],
    merges: [{ parent: 'middle', child: 'head' }],
  });
});

test('nothing goes while a reference leads to a layer that is not there', () => {
  const nothing = { removals: [], merges: [] };
  assert.deepEqual(planCollection(chain, new Set(['head', 'wrong-digit'])), nothing);
  const broken = [...chain, { id: 'other', parent: 'wrong-digit' }];
  assert.deepEqual(planCollection(broken, new Set(['head', 'other'])), nothing);
});
