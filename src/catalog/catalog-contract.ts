/** What every implementation of the catalogue must pass (`catalog.ts`). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { AssertionError } from '../base/assert.ts';
import { newId } from '../base/ids.ts';
import { matches, sorted, totalsBy, type VolumeSort, type VolumeWhere } from './array-oracle.ts';
import { everyProject, type Catalog } from './catalog.ts';
import { tableNames, tableOf, type Column } from './columns.ts';
import { sampleVolume } from './sample-rows.ts';
import type { Row, TableName, VolumeRow } from './tables.ts';

export interface OpenedCatalog {
  readonly catalog: Catalog;
  /** Closes it, and removes what it kept. */
  remove(): Promise<void>;
}

/** `open` gives a new and empty catalogue. */
export function catalogContract(name: string, open: () => Promise<OpenedCatalog>): void {
  describe(`the catalogue over ${name}`, () => {
    let opened: OpenedCatalog;
    before(async () => {
      opened = await open();
    });
    after(() => opened.remove());
    const theCatalog = (): Catalog => opened.catalog;
    rowContract(theCatalog);
    listContract(theCatalog);
    changeContract(theCatalog);
    transactionContract(theCatalog);
  });
}

const tricky = 'Ünï "quoted" \'single\' \\ back % _ ; -- 𝒙 \n\t';

function sampleValue(column: Column, table: string, number: number): unknown {
  if (column.field === 'id') return `${table}-${number}`;
  if (column.nullable && number === 2) return null;
  switch (column.kind) {
    case 'text':
      // `domainId` names the first row of `domains`, as its foreign key demands.
      return column.field.endsWith('Id')
        ? `${column.field.slice(0, -2)}s-1`
        : `${tricky} ${column.field} ${number}`;
    case 'integer':
      return number === 1 ? Number.MAX_SAFE_INTEGER : -1;
    case 'boolean':
      return number === 1;
    case 'metadata':
      return number === 1 ? { [tricky]: tricky, '$."a"': '', '1': '2' } : {};
    case 'json':
      return number === 1 ? [1.5, 'text', { deep: [null, true] }] : {};
    default:
      return undefined;
  }
}

function sampleRow<T extends TableName>(name: T, number: number): Row<T> {
  const fields = tableOf(name).columns.map((column) => [
    column.field,
    sampleValue(column, name, number),
  ]);
  return Object.fromEntries(fields) as Row<T>;
}

function rowContract(theCatalog: () => Catalog): void {
  it('keeps every field of every table as it was given', async () => {
    const parents: TableName[] = ['domains', 'projects', 'users', 'roles', 'userGroups'];
    const others = tableNames.filter((name) => !parents.includes(name));
    for (const name of [...parents, ...others]) {
      for (const number of [1, 2]) {
        const row = sampleRow(name, number);
        await theCatalog().insert(name, row);
        const where = { id: row.id, ...(tableOf(name).ofProjects && { projectId: everyProject }) };
        assert.deepEqual(await theCatalog().find(name, where as never), row);
        assert.equal(await theCatalog().count(name, where as never), 1);
      }
    }
  });

  it('answers `exists` to an id or a unique name that is there', async () => {
    const volume = sampleVolume({ id: newId() });
    await theCatalog().insert('volumes', volume);
    await assert.rejects(theCatalog().insert('volumes', volume), { code: 'exists' });
    const role = () => ({ id: newId(), name: 'one of its name', description: null });
    await theCatalog().insert('roles', role());
    const second = role();
    await assert.rejects(theCatalog().insert('roles', second), { code: 'exists' });
  });

  it('refuses texts that not every database can keep, and finds none of them', async () => {
    for (const name of ['a\0b', 'half \ud800']) {
      const text = sampleVolume({ id: newId(), name });
      await assert.rejects(theCatalog().insert('volumes', text), { code: 'invalid_input' });
      const json = sampleVolume({ id: newId(), metadata: { key: name } });
      await assert.rejects(theCatalog().insert('volumes', json), { code: 'invalid_input' });
      for (const condition of [name, [name], { like: name }]) {
        const where = { projectId: everyProject, name: condition } as const;
        assert.equal(await theCatalog().count('volumes', where), 0);
      }
    }
  });

  it('asserts that rows are whole and of the right kinds', async () => {
    const volume = sampleVolume({ id: newId() });
    const { metadata: _, ...part } = volume;
    const wrong = [
      part,
      { ...volume, size: 1.5 },
      { ...volume, status: null },
      { ...volume, x: 1 },
    ];
    for (const row of wrong) {
      await assert.rejects(theCatalog().insert('volumes', row as VolumeRow), AssertionError);
    }
  });
}

const letters = ['a', 'A', 'ab', 'B', 'é', 'É', '😀', 'ﬀ', ''] as const;
const names = [...letters, 'a%b', 'a_b', 'a\\b', null] as const;
const statuses = ['available', 'error', 'in-use'] as const;
const metadatas = [{}, { k: 'v' }, { k: 'w' }, { k: 'v', l: 'x' }, { 'a"b': '%' }] as const;

const arbitraryRow = fc.record({
  name: fc.constantFrom(...names),
  size: fc.integer({ min: 1, max: 3 }),
  status: fc.constantFrom(...statuses),
  bootable: fc.boolean(),
  metadata: fc.constantFrom(...metadatas),
  createdAt: fc.integer({ min: 5, max: 8 }),
  updatedAt: fc.constantFrom(null, 1, 2),
});

const conditions = {
  name: fc.oneof(
    fc.constantFrom(...names),
    fc.uniqueArray(fc.constantFrom(...names), { maxLength: 3 }),
    fc.constantFrom('', 'a', 'B', '%', '_', '\\', 'é').map((like) => ({ like })),
    fc.constantFrom(...names).map((not) => ({ not })),
  ),
  size: fc.oneof(
    fc.integer({ min: 1, max: 3 }),
    fc.record({ above: fc.integer({ min: 0, max: 3 }) }),
    fc.record({ atMost: fc.integer({ min: 0, max: 3 }), atLeast: fc.constant(1) }),
  ),
  status: fc.oneof(fc.constantFrom(...statuses), fc.subarray([...statuses])),
  bootable: fc.boolean(),
  metadata: fc.constantFrom(...metadatas),
  updatedAt: fc.oneof(
    fc.constantFrom(null, 1),
    fc.constantFrom(1, 2).map((below) => ({ below })),
    fc.constantFrom(null, 2).map((not) => ({ not })),
  ),
};

const single = fc.oneof(
  ...Object.entries(conditions).map(([field, condition]) => fc.record({ [field]: condition })),
);

/** None, one or several conditions: with more than one, few rows are left to be paged through. */
const arbitraryWhere = fc.oneof(
  fc.constant({}),
  single,
  fc.record({ anyOf: fc.array(single, { maxLength: 3 }) }),
  fc.record({ size: conditions.size, anyOf: fc.array(single, { minLength: 1, maxLength: 3 }) }),
  fc.record(conditions, { requiredKeys: [] }),
) as fc.Arbitrary<Partial<VolumeWhere>>;

const arbitrarySort = fc.uniqueArray(
  fc.record({
    field: fc.constantFrom('name', 'size', 'status', 'bootable', 'createdAt', 'updatedAt'),
    direction: fc.constantFrom('asc', 'desc'),
  }),
  { maxLength: 3, selector: ({ field }) => field },
) as fc.Arbitrary<VolumeSort>;

async function pages(
  catalog: Catalog,
  where: VolumeWhere,
  sort: VolumeSort,
  limit: number,
): Promise<VolumeRow[]> {
  const rows: VolumeRow[] = [];
  for (;;) {
    const last = rows.at(-1);
    const after = last === undefined ? {} : { after: last };
    const page = await catalog.list('volumes', { where, sort, limit, ...after });
    rows.push(...page);
    if (page.length < limit) return rows;
  }
}

function listContract(theCatalog: () => Catalog): void {
  it('filters, sorts, pages, counts and sums as a plain array does', async () => {
    const arbitrary = fc.tuple(
      fc.array(arbitraryRow, { minLength: 5, maxLength: 25 }),
      fc.array(fc.tuple(arbitraryWhere, arbitrarySort), { minLength: 8, maxLength: 8 }),
      fc.integer({ min: 1, max: 9 }),
    );
    await fc.assert(
      fc.asyncProperty(arbitrary, async ([facts, questions, limit]) => {
        const projectId = newId();
        const rows = facts.map((each) => sampleVolume({ ...each, id: newId(), projectId }));
        await theCatalog().transact(async (transaction) => {
          for (const row of rows) await transaction.insert('volumes', row);
        });
        for (const [asked, sort] of questions) {
          const where: VolumeWhere = { ...asked, projectId };
          const expected = sorted(
            rows.filter((row) => matches(row, where)),
            sort,
          );
          assert.deepEqual(await pages(theCatalog(), where, sort, limit), expected);
          const offset = limit;
          const query = { where, sort, limit, offset };
          const part = await theCatalog().list('volumes', query);
          assert.deepEqual(part, expected.slice(offset, offset + limit));
          assert.equal(await theCatalog().count('volumes', where), expected.length);
          const facts = (row: VolumeRow) => ({ id: row.id, metadata: row.metadata });
          const byIds = sorted(expected, [{ field: 'id', direction: 'asc' }]).map(facts);
          const few = { where, limit };
          const first = await theCatalog().pick('volumes', ['metadata'], few);
          assert.deepEqual(first, byIds.slice(0, limit));
          const after = first.at(-1)?.id ?? '';
          const next = await theCatalog().pick('volumes', ['metadata'], { ...few, after });
          assert.deepEqual(next, byIds.slice(limit, 2 * limit));
          const sum = expected.reduce((total, row) => total + row.size, 0);
          assert.equal(await theCatalog().sum('volumes', 'size', where), sum);
          const summed = { where, sum: 'size', limit } as const;
          const totals = await theCatalog().totals('volumes', 'status', summed);
          const all = totalsBy(expected, 'status');
          assert.deepEqual(totals, all.slice(0, limit));
          const last = totals.at(-1)?.of ?? '';
          const rest = await theCatalog().totals('volumes', 'status', { ...summed, after: last });
          assert.deepEqual(rest, all.slice(limit, 2 * limit));
        }
      }),
      { numRuns: 25 },
    );
  });

  it('asserts a limit, defined conditions and a project', async () => {
    const where = { projectId: 'project' };
    for (const limit of [0, 1001, 1.5]) {
      await assert.rejects(theCatalog().list('volumes', { where, limit }), AssertionError);
    }
    const scopes = [{}, { projectId: undefined }, { projectId: ['a'] }, { projectId: null }];
    for (const wrong of [...scopes, { ...where, name: undefined }, { ...where, other: 1 }]) {
      await assert.rejects(theCatalog().count('volumes', wrong as never), AssertionError);
      await assert.rejects(theCatalog().remove('volumes', wrong as never), AssertionError);
    }
  });

  it('shows a project its own rows only', async () => {
    const [mine, other] = [newId(), newId()];
    const volume = sampleVolume({ id: newId(), projectId: mine });
    await theCatalog().insert('volumes', volume);
    const where = { id: volume.id, projectId: other };
    assert.equal(await theCatalog().find('volumes', where), undefined);
    assert.equal(await theCatalog().change('volumes', where, { size: 9 }), undefined);
    assert.equal(await theCatalog().remove('volumes', where), 0);
    assert.deepEqual(await theCatalog().find('volumes', { ...where, projectId: mine }), volume);
    assert.deepEqual(
      await theCatalog().find('volumes', { ...where, projectId: everyProject }),
      volume,
    );
  });
}

function changeContract(theCatalog: () => Catalog): void {
  it('lets exactly one of many win a change', async () => {
    const where = { id: newId(), projectId: 'project' };
    await theCatalog().insert('volumes', sampleVolume(where));
    const attempts = Array.from({ length: 20 }, (_, index) =>
      theCatalog().change(
        'volumes',
        { ...where, status: 'available' },
        {
          status: 'deleting',
          name: `winner ${index}`,
        },
      ),
    );
    const winners = (await Promise.all(attempts)).filter((row) => row !== undefined);
    assert.equal(winners.length, 1);
    assert.deepEqual(await theCatalog().find('volumes', where), winners[0]);
  });

  it('asserts that a change matches one row, and then changes none', async () => {
    const projectId = newId();
    for (const size of [1, 2]) {
      await theCatalog().insert('volumes', sampleVolume({ id: newId(), projectId, size }));
    }
    const change = theCatalog().change('volumes', { projectId }, { size: 9 });
    await assert.rejects(change, AssertionError);
    assert.equal(await theCatalog().sum('volumes', 'size', { projectId }), 3);
  });

  it('removes all that match, and says how many', async () => {
    const projectId = newId();
    for (const size of [1, 1, 2]) {
      await theCatalog().insert('volumes', sampleVolume({ id: newId(), projectId, size }));
    }
    assert.equal(await theCatalog().remove('volumes', { projectId, size: [] }), 0);
    assert.equal(await theCatalog().remove('volumes', { projectId, size: 1 }), 2);
    assert.equal(await theCatalog().count('volumes', { projectId }), 1);
  });
}

function transactionContract(theCatalog: () => Catalog): void {
  it('keeps all of a transaction or nothing', async () => {
    const projectId = newId();
    const failing = theCatalog().transact(async (transaction) => {
      await transaction.insert('volumes', sampleVolume({ id: newId(), projectId }));
      assert.equal(await transaction.count('volumes', { projectId }), 1);
      assert.equal(await theCatalog().count('volumes', { projectId }), 0, 'seen before its commit');
      throw new Error('changed my mind');
    });
    await assert.rejects(failing, /changed my mind/);
    assert.equal(await theCatalog().count('volumes', { projectId }), 0);
  });

  it('does not commit a transaction with a failed statement, even if that was caught', async () => {
    const volume = sampleVolume({ id: newId(), projectId: newId() });
    const failing = theCatalog().transact(async (transaction) => {
      await transaction.insert('volumes', volume);
      await assert.rejects(transaction.insert('volumes', volume), { code: 'exists' });
    });
    await assert.rejects(failing, { code: 'exists' });
    const { id, projectId } = volume;
    assert.equal(await theCatalog().find('volumes', { id, projectId }), undefined);
  });

  it('runs transactions as if one after the other', async () => {
    const where = { id: newId(), projectId: 'project' };
    await theCatalog().insert('volumes', sampleVolume({ ...where, size: 0 }));
    const increment = (): Promise<unknown> =>
      theCatalog().transact(async (transaction) => {
        const row = await transaction.find('volumes', where);
        await new Promise(setImmediate);
        await transaction.change('volumes', where, { size: (row?.size ?? 0) + 1 });
      });
    await Promise.all(Array.from({ length: 30 }, increment));
    assert.equal((await theCatalog().find('volumes', where))?.size, 30);
  });

  it('asserts against a write that would wait for its transaction, and a late use', async () => {
    const volume = sampleVolume({ id: newId() });
    const nested = theCatalog().transact(() => theCatalog().insert('volumes', volume));
    await assert.rejects(nested, AssertionError);
    const ended = await theCatalog().transact(async (transaction) => ({ transaction }));
    await assert.rejects(ended.transaction.insert('volumes', volume), AssertionError);
    await theCatalog().insert('volumes', volume);
  });
}
