import assert from 'node:assert/strict';
import test from 'node:test';
import { systemClock } from '../base/clock.ts';
import { everyProject, type Catalog } from '../catalog/catalog.ts';
import type { AuditRow } from '../catalog/identity-tables.ts';
import { AuditTrail } from '../operation/audit/audit-trail.ts';
import { actionOf } from './audit.ts';
import { listIn, objectIn, openStorage, textIn } from './block-storage-v3/storage-fixture.ts';
import { openFaces } from './face-fixture.ts';
import { password } from './identity-v3/directory-fixture.ts';

async function lines(catalog: Catalog): Promise<AuditRow[]> {
  return await catalog.list('audit', {
    where: { projectId: everyProject },
    sort: [{ field: 'createdAt', direction: 'asc' }],
    limit: 1000,
  });
}

test('a request is told in words', () => {
  const told = (method: string, pattern: string, body?: unknown): string => {
    const { kind, verb } = actionOf({ method, pattern, body });
    return `${kind}.${verb}`;
  };
  const volumes = '/volume/v3/:project_id/volumes';
  assert.equal(told('POST', volumes), 'volume.create');
  assert.equal(told('DELETE', `${volumes}/:id`), 'volume.delete');
  assert.equal(told('POST', `${volumes}/:id/action`, { 'os-extend': {} }), 'volume.os-extend');
  assert.equal(told('POST', `${volumes}/:id/action`, null), 'volume.action');
  assert.equal(told('POST', `${volumes}/:id/metadata`), 'volume.metadata.create');
  assert.equal(told('PUT', `${volumes}/:id/metadata/:key`), 'volume.metadata.update');
  assert.equal(told('POST', '/volume/v3/types/:id/extra_specs'), 'type.extra_spec.create');
  assert.equal(told('POST', '/volume/v3/backups/:id/restore'), 'backup.restore');
  assert.equal(told('POST', '/firn/v1/repository/adopt'), 'repository.adopt');
  const group = '/volume/v3/consistencygroups/:id';
  assert.equal(told('PUT', `${group}/update`), 'consistencygroup.update');
  assert.equal(told('POST', `${group}/delete`), 'consistencygroup.delete');
  assert.equal(told('POST', '/identity/v3/auth/tokens'), 'token.create');
  const grant = '/identity/v3/projects/:id/users/:user_id/roles/:role_id';
  assert.equal(told('PUT', grant), 'project.user.role.update');
});

test('a change has its line before it is answered; reading and strangers have none', async (t) => {
  const { app, scene, ask } = await openStorage(t);
  const catalog = scene.catalog;
  await ask({ path: '/volumes' });
  const stranger = await app.inject({ method: 'POST', url: '/volume/v3/volumes', payload: {} });
  assert.equal(stranger.statusCode, 401);
  assert.deepEqual(await lines(catalog), []);

  const made = await ask({ method: 'POST', path: '/volumes', body: { volume: { size: 1 } } });
  assert.equal(made.status, 202);
  const [line] = await lines(catalog);
  const id = textIn(objectIn(made.body, 'volume'), 'id');
  assert.deepEqual(
    [line?.action, line?.resourceId, line?.userName, line?.statusCode, line?.address],
    ['volume.create', id, 'max', 202, '127.0.0.1'],
  );
  assert.equal(line?.requestId, made.headers['x-openstack-request-id']);

  await ask({ who: 'rea', method: 'DELETE', path: `/volumes/${id}` });
  const refused = (await lines(catalog)).at(-1);
  assert.deepEqual(
    [refused?.action, refused?.userName, refused?.statusCode],
    ['volume.delete', 'rea', 403],
  );
});

test('everybody reads the lines of the own project, an administrator all', async (t) => {
  const { ask } = await openStorage(t);
  for (const who of ['max', 'bob', 'bob']) {
    await ask({ who, method: 'POST', path: '/volumes', body: { volume: { size: 1 } } });
  }
  const seen = async (who: string, query = ''): Promise<unknown[]> => {
    const { body } = await ask({ who, path: `/firn/v1/audit${query}` });
    return listIn(body, 'audit').map((line) => line['user_name']);
  };
  assert.deepEqual(await seen('rea'), ['max']);
  assert.deepEqual(await seen('bob'), ['bob', 'bob']);
  assert.deepEqual(await seen('ann'), ['bob', 'bob', 'max']);
  const beta = 'b'.repeat(32);
  assert.deepEqual(await seen('ann', `?project_id=${beta}`), ['bob', 'bob']);
  assert.deepEqual(await seen('max', `?project_id=${beta}`), []);
  assert.deepEqual(await seen('ann', '?action=volume.delete'), []);
  const first = await ask({ who: 'ann', path: '/firn/v1/audit?limit=2' });
  const marker = textIn(first.body, 'next_marker');
  assert.deepEqual(await seen('ann', `?limit=2&marker=${marker}`), ['max']);
});

test('logins are in the trail, right or wrong, without what was typed', async () => {
  const faces = await openFaces();
  const login = (given: string) =>
    faces.app.inject({
      method: 'POST',
      url: '/identity/v3/auth/tokens',
      payload: {
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { name: 'max', domain: { id: 'default' }, password: given } },
          },
        },
      },
    });
  const statuses = [(await login(password)).statusCode, (await login('guess-1')).statusCode];
  assert.deepEqual(statuses, [201, 401]);
  await faces.trail.close();
  const found = await lines(faces.catalog);
  assert.deepEqual(
    found.map(({ action, userName, statusCode }) => [action, userName, statusCode]),
    [
      ['token.create', 'max', 201],
      ['token.create', null, 401],
    ],
  );
  assert.ok(!JSON.stringify(found).includes(password) && !JSON.stringify(found).includes('guess'));
  await faces.close();
});

const line = {
  projectId: 'alpha',
  requestId: 'req-1',
  userId: 'u',
  userName: 'max',
  address: '::1',
  path: '/',
  action: 'volume.create',
  resourceType: 'volume',
  resourceId: null,
  statusCode: 202,
};

test('the trail keeps so many lines, and none that is too old', async () => {
  const faces = await openFaces();
  const { catalog } = faces;
  let now = 1_790_000_000_000;
  const trail = new AuditTrail({
    catalog,
    clock: { now: () => now },
    bounds: { daysMax: 10, rowsMax: 1500 },
  });
  for (let count = 0; count < 2100; count += 1) {
    now += 1;
    void trail.record(line);
    if (count % 500 === 0) await trail.close();
  }
  await trail.close();
  const all = { projectId: everyProject } as const;
  assert.ok((await catalog.count('audit', all)) <= 2500);
  now += 11 * 24 * 3_600_000;
  for (let count = 0; count < 1001; count += 1) await trail.record(line);
  assert.ok((await catalog.count('audit', all)) <= 1001, 'old lines are gone');
  await faces.close();
});

test('a line that could not be written is known, and the next one is written', async () => {
  const faces = await openFaces();
  let broken = true;
  const catalog = new Proxy(faces.catalog, {
    get: (target, name) => {
      if (name === 'transact' && broken) return () => Promise.reject(new Error('no disk'));
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const trail = new AuditTrail({ catalog, clock: systemClock });
  await assert.rejects(trail.record(line), /no disk/);
  broken = false;
  await trail.record(line);
  assert.equal(await catalog.count('audit', { projectId: everyProject }), 1);
  await faces.close();
});
