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

test('a layer goes only when nothing lies on it any more, until all are gone', () => {
  let left = chain;
  const gone: string[] = [];
  for (;;) {
    const [next] = planCollection(left, new Set()).removals;
    if (next === undefined) break;
    gone.push(next);
    left = left.filter(({ id }) => id !== next);
  }
  assert.deepEqual(gone, ['head', 'middle', 'dead', 'base']);
});

test('nothing goes while what is kept leads to a layer that is not there', () => {
  const nothing = { removals: [], merges: [] };
  assert.deepEqual(planCollection(chain, new Set(['head', 'wrong-digit'])), nothing);
  const broken = [...chain, { id: 'other', parent: 'wrong-digit' }];
  assert.deepEqual(planCollection(broken, new Set(['head', 'other'])), nothing);
});

test('what nobody leads to goes, also where what it lay on is missing', () => {
  const left = [...chain, { id: 'upper', parent: 'lower' }, { id: 'lower', parent: 'gone' }];
  const { removals } = planCollection(left, new Set(['head', 'base']));
  assert.deepEqual(removals, ['dead', 'upper']);
});
