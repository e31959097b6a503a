import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../demo/random.ts';
import { OwnerBudget } from './owner-budget.ts';

class FakeMap {
  sizeBytes: number;
  usedLately = false;
  isDropped = false;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
  }

  drop(): void {
    this.isDropped = true;
  }
}

test('owner maps hold no more bytes together than the budget has, also when they grow', () => {
  const budget = new OwnerBudget(1000);
  const random = seeded(3);
  const all: FakeMap[] = [];
  const held = (): FakeMap[] => all.filter(({ isDropped }) => !isDropped);
  for (let step = 0; step < 2000; step += 1) {
    const map = random() < 0.5 ? held()[Math.floor(random() * held().length)] : undefined;
    if (map !== undefined && random() < 0.1) {
      budget.forget(map);
      map.drop();
    } else if (map === undefined) {
      all.push(new FakeMap(1 + Math.floor(random() * 100)));
      budget.admit(all.at(-1) ?? new FakeMap(1));
    } else {
      map.usedLately = random() < 0.5;
      map.sizeBytes += Math.floor(random() * 20);
      budget.admit(map);
    }
    const bytes = held().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    strictEqual(budget.sizeBytes, bytes);
    ok(bytes <= 1000);
  }
});

test('what was used lately stays longer', () => {
  const budget = new OwnerBudget(300);
  const [first, second, third, fourth] = [100, 100, 100, 100].map((bytes) => new FakeMap(bytes));
  ok(first && second && third && fourth);
  for (const map of [first, second, third]) budget.admit(map);
  first.usedLately = true;
  budget.admit(fourth);
  deepStrictEqual(
    [first, second, third, fourth].map(({ isDropped }) => isDropped),
    [false, true, false, false],
  );
});
