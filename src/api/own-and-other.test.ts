/**
 * Every route that takes the id of something, asked about what is the own project's and about what
 * is another's: reader, member, member of another project, administrator of another project.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alpha, beta, people } from './identity-v3/directory-fixture.ts';
import { byId } from '../operation/scope.ts';
import { insertObjects, tables, type ObjectIds, type ObjectKind } from './objects-fixture.ts';
import { leastFor, type Least } from './route-policy-fixture.ts';
import { openWalk, type Route, type Walk } from './walk-fixture.ts';

const none = '00000000-0000-4000-8000-000000000000';

/** Other names for the same things. */
const aliases: Readonly<Record<string, ObjectKind>> = {
  'volume-transfers': 'os-volume-transfer',
  consistencygroups: 'groups',
  cgsnapshots: 'group_snapshots',
};

/** Whose id it is for which there is no object in the path's own kind. */
const ofProjects = ['os-quota-sets', 'os-quota-class-sets', 'default-types'];
/** Things of the whole installation, which have no project. */
const ofNobody = [
  'group_types',
  'qos-specs',
  'capabilities',
  'clusters',
  'os-services',
  'os-hosts',
];

function kindOf({ url }: Route): string | undefined {
  return /^\/(?:volume\/v3|image\/v2|firn\/v1)\/([\w-]+)\/:id/.exec(url)?.[1];
}

function objectOf(ids: ObjectIds, kind: string): string | undefined {
  const name = aliases[kind] ?? kind;
  return Object.entries(ids).find(([known]) => known === name)?.[1];
}

async function ask(walk: Walk, route: Route, token: string, id: string): Promise<number> {
  const answer = await walk.app.inject({
    method: route.method as 'GET',
    url: route.url.replace(':id', id).replaceAll(/:\w+/g, none),
    headers: { 'x-auth-token': token, 'openstack-api-version': 'volume 3.71' },
    ...(['POST', 'PUT', 'PATCH'].includes(route.method) ? { payload: {} } : {}),
  });
  return answer.statusCode;
}

/** What the tables hold of the objects. */
async function dump({ scene }: Walk, ids: ObjectIds): Promise<unknown[]> {
  return await Promise.all(
    Object.entries(tables).map(async ([kind, table]) => {
      const id = objectOf(ids, kind) ?? '';
      const where = table === 'volumeTypes' ? { id } : byId(id);
      return await scene.catalog.list(table, { where, limit: 1 });
    }),
  );
}

/** Shows nothing of the object itself: what else is asked for must be there, too. */
const deeper = /\/:(?:key|tag|export_id)|\/(?:file|hold|extents)$/;

test("what is the own project's is there, and what is another's is not", async (t) => {
  const walk = await openWalk(t);
  const own = await insertObjects(walk.scene.catalog, alpha.id);
  const others = await insertObjects(walk.scene.catalog, beta.id);
  const [rea, max, bob, ann] = await Promise.all(
    ['rea', 'max', 'bob', 'ann'].map(async (name) => await walk.login(name)),
  );
  const before = [await dump(walk, own), await dump(walk, others)];
  const faults: string[] = [];
  const seen = new Set<string>();
  for (const route of walk.routes) {
    const kind = kindOf(route);
    if (kind === undefined) continue;
    const id = objectOf(own, kind);
    const name = `${route.method} ${route.url}`;
    if (id === undefined) {
      const isKnown = ofProjects.includes(kind) || ofNobody.includes(kind);
      if (!isKnown) faults.push(`${name}: nothing is known of ${kind}`);
      continue;
    }
    const least: Least = leastFor(name) ?? 'admin';
    const check = async (who: string, token: string | undefined, at: string, may: number[]) => {
      const status = await ask(walk, route, token ?? '', at);
      if (!may.includes(status)) faults.push(`${name}: ${who} gets ${status}`);
    };
    const isRead = route.method === 'GET';
    if (!isRead || least === 'admin') {
      await check('a reader of the own project', rea, id, [400, 403, 404]);
      await check('a member of another project', bob, id, [400, 403, 404]);
      continue;
    }
    seen.add(kind);
    const found = deeper.test(route.url) ? [200, 204, 404] : [200];
    const refused = least === 'member' ? [403] : found;
    await check('a reader of the own project', rea, id, refused);
    await check('a member of the own project', max, id, found);
    await check('a member of another project', bob, id, [404]);
    await check('an administrator', ann, objectOf(others, kind) ?? '', found);
  }
  assert.deepEqual(faults, []);
  assert.ok(seen.size >= 12, `kinds that were seen: ${[...seen].join(', ')}`);
  assert.deepEqual([await dump(walk, own), await dump(walk, others)], before, 'nothing is gone');
});

/** Paths whose id says whose it is: of the own one, and of another. */
function theirs(
  self: string,
): readonly [path: (id: string) => string, own: string, other: string][] {
  const other = people.find(({ name }) => name === 'bob')?.id ?? '';
  return [
    [(id) => `/volume/v3/os-quota-sets/${id}`, alpha.id, beta.id],
    [(id) => `/volume/v3/os-quota-sets/${id}?usage=true`, alpha.id, beta.id],
    [(id) => `/identity/v3/users/${id}`, self, other],
    [(id) => `/identity/v3/users/${id}/projects`, self, other],
    [(id) => `/identity/v3/users/${id}/groups`, self, other],
    [(id) => `/identity/v3/users/${id}/application_credentials`, self, other],
    [(id) => `/identity/v3/users/${id}/access_rules`, self, other],
    [(id) => `/identity/v3/projects/${id}`, alpha.id, beta.id],
  ];
}

test('quotas and what Identity knows of a user are their own', async (t) => {
  const walk = await openWalk(t);
  const get = async (token: string, url: string): Promise<number> =>
    (await walk.app.inject({ method: 'GET', url, headers: { 'x-auth-token': token } })).statusCode;
  const ann = await walk.login('ann');
  for (const name of ['rea', 'max']) {
    const token = await walk.login(name);
    const self = people.find((person) => person.name === name)?.id ?? '';
    for (const [path, own, other] of theirs(self)) {
      assert.equal(await get(token, path(own)), 200, `${name} at ${path(own)}`);
      assert.ok([403, 404].includes(await get(token, path(other))), `${name} at ${path(other)}`);
      assert.equal(await get(ann, path(other)), 200, `an administrator at ${path(other)}`);
    }
  }
});
