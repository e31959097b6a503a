/**
 * Every route, asked by everybody. The routes are those that are registered: one about which
 * `route-policy-fixture.ts` says nothing fails the test.
 *
 * A request here has an empty body, so that some routes answer 400 before they look at who asks;
 * what must never happen is that they do something.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../base/ids.ts';
import { sampleBackup, sampleImage, sampleVolume } from '../catalog/sample-rows.ts';
import { type Least, leastFor } from './route-policy-fixture.ts';
import { openWalk, type Route, type Walk } from './walk-fixture.ts';

const nothing = '00000000-0000-4000-8000-000000000000';
const ranks: readonly Least[] = ['open', 'token', 'reader', 'member', 'admin'];

/** A stream that ends with its client, and what ends the token that it is asked with. */
const apart = new Set(['GET /firn/v1/events', 'DELETE /firn/v1/session']);

async function ask(
  { app }: Walk,
  { method, url }: Route,
  token: string | undefined,
  id = nothing,
): Promise<number> {
  const path = url.replace(':id', id).replaceAll(/:\w+/g, nothing);
  const version = { 'openstack-api-version': 'volume 3.71' };
  const answer = await app.inject({
    method: method as 'GET',
    url: path,
    headers: token === undefined ? version : { ...version, 'x-auth-token': token },
    ...(['POST', 'PUT', 'PATCH'].includes(method) ? { payload: {} } : {}),
  });
  return answer.statusCode;
}

test('every route lets in whom the policy says, and nobody else', async (t) => {
  const walk = await openWalk(t);
  const names = walk.routes.map(({ method, url }) => `${method} ${url}`);
  assert.ok(names.length > 250, 'the routes were found');
  assert.deepEqual(
    names.filter((name) => leastFor(name) === undefined),
    [],
    'routes that have no line in route-policy-fixture.ts',
  );
  const tokens: readonly (string | undefined)[] = [
    undefined,
    await walk.login('max', 'unscoped'),
    await walk.login('rea'),
    await walk.login('max'),
    await walk.login('ann'),
  ];
  const faults: string[] = [];
  for (const route of walk.routes) {
    const name = `${route.method} ${route.url}`;
    if (apart.has(name)) continue;
    const least = ranks.indexOf(leastFor(name) ?? 'admin');
    for (const [rank, token] of tokens.entries()) {
      const status = await ask(walk, route, token);
      const refused = status === 401 || status === 403;
      const did = status < 400;
      if (status >= 500) faults.push(`${name} answers ${ranks[rank]} ${status}`);
      if (rank < least && did) faults.push(`${name} works for ${ranks[rank]}: ${status}`);
      // Sessions and a user's own credentials are refused for reasons of their own.
      const special = /session|application_credentials$/.test(name);
      if (rank >= least && refused && !special) {
        faults.push(`${name} keeps ${ranks[rank]} out: ${status}`);
      }
    }
  }
  assert.deepEqual(faults, []);
});

test("what is another project's is not there", async (t) => {
  const walk = await openWalk(t);
  const { catalog } = walk.scene;
  const projectId = 'a'.repeat(32);
  const ids = { volumes: newId(), backups: newId(), images: newId() };
  const [type] = await catalog.list('volumeTypes', { where: {}, limit: 1 });
  await catalog.insert(
    'volumes',
    sampleVolume({ id: ids.volumes, projectId, volumeTypeId: type?.id ?? '' }),
  );
  await catalog.insert('backups', sampleBackup({ id: ids.backups, projectId }));
  await catalog.insert('images', sampleImage({ id: ids.images, projectId }));
  const [own, other] = [await walk.login('max'), await walk.login('bob')];
  const faults: string[] = [];
  let seenCount = 0;
  for (const route of walk.routes) {
    const kind = /^\/(?:volume\/v3|image\/v2|firn\/v1)\/(\w+)\/:id/.exec(route.url)?.[1];
    const id = Object.entries(ids).find(([name]) => name === kind)?.[1];
    if (id === undefined) continue;
    const name = `${route.method} ${route.url}`;
    const status = await ask(walk, route, other, id);
    if (![400, 403, 404].includes(status)) faults.push(`${name} answers ${status}`);
    if (route.method !== 'GET') continue;
    if (leastFor(name) === 'reader' && status !== 404) faults.push(`${name} is seen: ${status}`);
    if ((await ask(walk, route, own, id)) === 200) seenCount += 1;
  }
  assert.deepEqual(faults, []);
  assert.ok(seenCount >= 6, `its own project sees it (${seenCount})`);
});
