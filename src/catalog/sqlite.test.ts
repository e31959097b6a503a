import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, mock } from 'node:test';
import { fileURLToPath } from 'node:url';
import { newId } from '../base/ids.ts';
import { catalogContract } from './catalog-contract.ts';
import { everyProject, type Catalog } from './catalog.ts';
import { sqliteTypes } from './column-types.ts';
import { tableOf } from './columns.ts';
import { firstTables } from './migrations/0001-first-tables.ts';
import { sampleVolume } from './sample-rows.ts';
import { openSqliteCatalog } from './sqlite.ts';

function sqliteValue(value: unknown): string | number | null {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return typeof value === 'number' || typeof value === 'string' ? value : null;
}

async function inFolder<R>(work: (folder: string) => Promise<R>): Promise<R> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-catalog-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

catalogContract('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-catalog-'));
  const catalog = await openSqliteCatalog({ path: join(folder, 'firn.db') });
  return {
    catalog,
    remove: async () => {
      await catalog.close();
      await rm(folder, { recursive: true });
    },
  };
});

describe('the file of an SQLite catalogue', () => {
  it('holds everything when it is opened again, and is for its owner alone', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'firn.db');
      const volume = sampleVolume({ id: newId() });
      const first = await openSqliteCatalog({ path });
      await first.insert('volumes', volume);
      await first.close();
      const second = await openSqliteCatalog({ path });
      const where = { id: volume.id, projectId: everyProject } as const;
      assert.deepEqual(await second.find('volumes', where), volume);
      await second.close();
      assert.equal((await stat(path)).mode & 0o777, 0o600);
    }));

  it('is refused when it is no database, or a damaged one', () =>
    inFolder(async (folder) => {
      const other = join(folder, 'other.db');
      await writeFile(other, 'this is not a database, however long it may be'.repeat(1000));
      await assert.rejects(openSqliteCatalog({ path: other }), { code: 'corrupt' });

      const damaged = join(folder, 'damaged.db');
      const catalog = await openSqliteCatalog({ path: damaged });
      await catalog.close();
      await truncate(damaged, (await stat(damaged)).size - 3 * 4096);
      await assert.rejects(openSqliteCatalog({ path: damaged }), { code: 'corrupt' });
    }));

  it('is refused when a page in its middle was overwritten', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'firn.db');
      const catalog = await openSqliteCatalog({ path });
      await catalog.transact(async (transaction) => {
        for (let count = 0; count < 300; count += 1) {
          await transaction.insert('volumes', sampleVolume({ id: newId() }));
        }
      });
      await catalog.close();
      const file = await open(path, 'r+');
      const { size } = await file.stat();
      await file.write(Buffer.alloc(4096, 0xa5), 0, 4096, Math.floor(size / 8192) * 4096);
      await file.close();
      await assert.rejects(openSqliteCatalog({ path }), {
        code: 'corrupt',
        message: /damaged|malformed/,
      });
    }));

  it('is refused in a folder that is not there', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'missing', 'firn.db');
      await assert.rejects(openSqliteCatalog({ path }), { code: 'not_found' });
    }));

  it('is refused, and left as it is, when a newer Firn has written it', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'firn.db');
      await (await openSqliteCatalog({ path })).close();
      const database = new DatabaseSync(path);
      database.exec('insert into migrations (number) values (99)');
      database.close();
      await assert.rejects(openSqliteCatalog({ path }), {
        code: 'invalid_state',
        message: /newer Firn: its tables have version 99/,
      });
    }));

  it('keeps its rows when it was made before there were groups', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'firn.db');
      const old = new DatabaseSync(path);
      old.exec('create table migrations (number integer primary key)');
      old.exec(`insert into migrations (number) values (1); ${firstTables(sqliteTypes)}`);
      const facts = sampleVolume({ id: newId() });
      const later = ['groupId', 'managedFile', 'imageMetadata'];
      const columns = tableOf('volumes').columns.filter(({ field }) => !later.includes(field));
      const values = new Map<string, unknown>(Object.entries(facts));
      const kept = columns.map(({ sqlName }) => sqlName).join(', ');
      const marks = columns.map(() => '?').join(', ');
      const encoded = columns.map(({ field }) => sqliteValue(values.get(field)));
      old.prepare(`insert into volumes (${kept}) values (${marks})`).run(...encoded);
      old.close();
      const catalog = await openSqliteCatalog({ path });
      const where = { id: facts.id, projectId: everyProject } as const;
      assert.deepEqual(await catalog.find('volumes', where), {
        ...facts,
        groupId: null,
        managedFile: null,
        imageMetadata: {},
      });
      assert.equal(await catalog.count('groups', { projectId: everyProject }), 0);
      await catalog.close();
    }));

  it('has lost nothing that was acknowledged after kill -9, and no half of a transaction', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'firn.db');
      const writerUrl = new URL('./sqlite-writer.ts', import.meta.url);
      const child = spawn(process.execPath, [fileURLToPath(writerUrl), path]);
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (output.split('\n').length > 40) child.kill('SIGKILL');
      });
      await once(child, 'close');
      const acknowledged = output.split('\n').slice(0, -1);
      assert.ok(acknowledged.length >= 40);
      const catalog = await openSqliteCatalog({ path });
      for (const projectId of acknowledged) {
        assert.equal(await catalog.count('volumes', { projectId }), 2);
      }
      assert.equal((await catalog.count('volumes', { projectId: everyProject })) % 2, 0);
      await catalog.close();
    }));
});

/** The plans that SQLite makes for the statements that `work` runs. */
async function plansOf(work: (catalog: Catalog) => Promise<unknown>): Promise<string[]> {
  return await inFolder(async (folder) => {
    const path = join(folder, 'firn.db');
    const catalog = await openSqliteCatalog({ path });
    const prepare = mock.method(DatabaseSync.prototype, 'prepare');
    await work(catalog);
    const texts = prepare.mock.calls.map((call) => call.arguments[0]);
    prepare.mock.restore();
    await catalog.close();
    const database = new DatabaseSync(path);
    const plans = texts.map((text) =>
      database
        .prepare(`explain query plan ${text}`)
        .all(...Array.from({ length: text.split('?').length - 1 }, () => 1))
        .map((row) => String(row['detail']))
        .join('; '),
    );
    database.close();
    return plans;
  });
}

describe('the cost of what is asked often', () => {
  const volume = sampleVolume({ id: newId(), snapshotId: 'snapshot' });
  const projectId = 'project';
  const { id } = volume;
  const cases: Record<string, (catalog: Catalog) => Promise<unknown>> = {
    'a page of a project': (catalog) =>
      catalog.list('volumes', { where: { projectId }, limit: 20, after: volume }),
    'a page of all projects': (catalog) =>
      catalog.list('backups', { where: { projectId: everyProject }, limit: 20 }),
    'a change by id': (catalog) =>
      catalog.change('volumes', { projectId, id, status: ['available'] }, { status: 'deleting' }),
    'a page by status': (catalog) =>
      catalog.list('volumes', { where: { projectId, status: 'error' }, limit: 20, after: volume }),
    'a page in the order of names': (catalog) =>
      catalog.list('volumes', {
        where: { projectId },
        sort: [{ field: 'name', direction: 'asc' }],
        limit: 20,
        after: { ...volume, name: 'n' },
      }),
    'a page in the order of names, the last first': (catalog) =>
      catalog.list('volumes', {
        where: { projectId },
        sort: [{ field: 'name', direction: 'desc' }],
        limit: 20,
        after: { ...volume, name: 'n' },
      }),
    'the sums of all projects': (catalog) =>
      catalog.totals('volumes', 'projectId', {
        where: { projectId: everyProject },
        sum: 'size',
        limit: 1000,
      }),
    'the sum of sizes': (catalog) => catalog.sum('volumes', 'size', { projectId }),
    'a look-up by name': (catalog) =>
      catalog.list('volumes', { where: { projectId, name: 'n' }, limit: 2 }),
    'snapshots of a volume': (catalog) => catalog.count('snapshots', { projectId, volumeId: id }),
    'volumes of a snapshot': (catalog) =>
      catalog.count('volumes', { projectId: everyProject, snapshotId: 's' }),
    'volumes of a group': (catalog) =>
      catalog.list('volumes', { where: { projectId: everyProject, groupId: 'g' }, limit: 20 }),
    'snapshots of a group snapshot': (catalog) =>
      catalog.count('snapshots', { projectId: everyProject, groupSnapshotId: 'g' }),
    'the next job': (catalog) =>
      catalog.list('jobs', {
        where: { state: 'queued' },
        sort: [{ field: 'createdAt', direction: 'asc' }],
        limit: 5,
      }),
    'expired tokens': (catalog) => catalog.remove('tokens', { expiresAt: { below: 1 } }),
  };
  for (const [name, work] of Object.entries(cases)) {
    it(`${name} is found by an index`, async () => {
      const plans = await plansOf(work);
      assert.ok(plans.length > 0);
      for (const plan of plans) {
        if (name === 'a page of all projects') assert.match(plan, /USING INDEX/);
        else if (name === 'the sums of all projects') assert.match(plan, /SCAN .*COVERING INDEX/);
        else assert.match(plan, /SEARCH/);
        if (/^(?:a page|the sums)/.test(name)) assert.doesNotMatch(plan, /TEMP B-TREE/);
        if (name.startsWith('a page in the order'))
          assert.match(plan, /project_id=\? AND name[<>=]/);
        if (name === 'the sum of sizes') assert.match(plan, /COVERING/);
        if (name === 'a look-up by name') assert.match(plan, /by_name/);
        if (name === 'volumes of a group') assert.match(plan, /volumes_by_group/);
        if (name === 'snapshots of a volume') assert.match(plan, /by_volume/);
      }
    });
  }
});
