import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Client } from 'pg';
import { newId } from '../base/ids.ts';
import { must } from '../base/assert.ts';
import { catalogContract } from './catalog-contract.ts';
import { openPostgresCatalog } from './postgres.ts';
import { sampleVolume } from './sample-rows.ts';
import { postgresBinaries, TemporaryPostgres } from './temporary-postgres.ts';

const binaries = postgresBinaries();
const needed = process.env['CI'] === 'true';
const reason = 'PostgreSQL is not installed: apt-get install postgresql';

describe('with a real PostgreSQL', { skip: binaries === undefined && !needed && reason }, () => {
  let server: TemporaryPostgres;
  before(() => {
    server = new TemporaryPostgres(must(binaries, reason));
  });
  after(() => server.stop());

  catalogContract('PostgreSQL', async () => {
    const catalog = await openPostgresCatalog({ url: await server.newDatabase() });
    return { catalog, remove: () => catalog.close() };
  });

  it('is shared by processes: one wins a change, and writers follow one another', async () => {
    const url = await server.newDatabase();
    // Both make the tables at the same time, as two processes that start together do.
    const [one, other] = await Promise.all([
      openPostgresCatalog({ url }),
      openPostgresCatalog({ url }),
    ]);
    const where = { id: newId(), projectId: 'project' };
    await one.insert('volumes', sampleVolume({ ...where, size: 0 }));
    const wins = await Promise.all(
      [one, other].map((catalog) =>
        catalog.change('volumes', { ...where, status: 'available' }, { status: 'in-use' }),
      ),
    );
    assert.equal(wins.filter((row) => row !== undefined).length, 1);
    const increments = [one, other, one, other, one, other].map((catalog) =>
      catalog.transact(async (transaction) => {
        const row = must(await transaction.find('volumes', where), 'the volume');
        await transaction.change('volumes', where, { size: row.size + 1 });
      }),
    );
    await Promise.all(increments);
    assert.equal((await other.find('volumes', where))?.size, 6);
    await Promise.all([one.close(), other.close()]);
  });

  it('is refused when a newer Firn has written it', async () => {
    const url = await server.newDatabase();
    await (await openPostgresCatalog({ url })).close();
    const client = new Client({ connectionString: url });
    await client.connect();
    await client.query('insert into migrations (number) values (99)');
    await client.end();
    await assert.rejects(openPostgresCatalog({ url }), { code: 'invalid_state' });
  });

  it('answers `unavailable` when connections are cut, and works again afterwards', async () => {
    const url = await server.newDatabase();
    const catalog = await openPostgresCatalog({ url });
    const client = new Client({ connectionString: url });
    await client.connect();
    const cut = catalog.transact(async (transaction) => {
      await transaction.insert('volumes', sampleVolume({ id: newId() }));
      await client.query(
        'select pg_terminate_backend(pid) from pg_stat_activity ' +
          'where datname = current_database() and pid <> pg_backend_pid()',
      );
      await transaction.insert('volumes', sampleVolume({ id: newId() }));
    });
    await assert.rejects(cut, { code: 'unavailable' });
    assert.equal(await catalog.count('volumes', { projectId: 'project' }), 0);
    await client.end();
    await catalog.close();
  });

  it('answers `unavailable` when there is no server', async () => {
    const url = 'postgres://firn@/firn?host=/nonexistent';
    await assert.rejects(openPostgresCatalog({ url }), { code: 'unavailable' });
  });
});
