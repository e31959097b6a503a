/** Whatever is sent to Identity, Image and sessions: never a 500, and never a hang. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { openWalk } from './walk-fixture.ts';

const fields = [
  'name',
  'id',
  'description',
  'enabled',
  'password',
  'original_password',
  'domain_id',
  'parent_id',
  'default_project_id',
  'tags',
  'url',
  'interface',
  'service_id',
  'region_id',
  'type',
  'roles',
  'access_rules',
  'secret',
  'expires_at',
  'unrestricted',
  'disk_format',
  'min_disk',
  'visibility',
  'method',
  'identity',
  'scope',
  'options',
];

const kinds = ['user', 'project', 'domain', 'group', 'role', 'service', 'endpoint', 'region'];
const envelopes = [...kinds, 'application_credential', 'tags', 'auth', 'scope'];

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', ' ', 'a'.repeat(256), '../../etc/passwd', 'default', 'ü\u0000', '\ud800'),
);
const value = fc.oneof(
  { depthSize: 'small', maxDepth: 3 },
  text,
  fc.jsonValue(),
  fc.constantFrom(null, true, -1, 2 ** 53, 1e308, [], {}),
);
const object = fc.dictionary(fc.constantFrom(...fields), value, { maxKeys: 8 });
const body = fc.oneof(
  object,
  fc.jsonValue(),
  fc.tuple(fc.constantFrom(...envelopes), object).map(([name, inner]) => ({ [name]: inner })),
);

test('no input makes a fault of the service', async (t) => {
  const walk = await openWalk(t);
  const faces = /^\/(?:identity|image|firn\/v1\/session)/;
  const routes = walk.routes.filter(
    ({ method, url }) => faces.test(url) && method !== 'DELETE' && !url.endsWith('/auth/tokens'),
  );
  const ids = fc.oneof(
    text,
    fc.constantFrom('default', 'f2'.repeat(16), 'a'.repeat(32), 'RegionOne', 'system'),
  );
  const token = await walk.login('ann');
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...routes),
      body,
      ids,
      fc.dictionary(fc.constantFrom(...fields, 'limit', 'marker', 'user.id'), text, { maxKeys: 3 }),
      async ({ method, url }, payload, id, query) => {
        const path = url.replaceAll(/:\w+/g, () => encodeURIComponent(id.toWellFormed()) || 'x');
        const answer = await walk.app.inject({
          method: method as 'GET',
          url: path,
          query: Object.fromEntries(
            Object.entries(query).map(([name, given]) => [name, given.toWellFormed()]),
          ),
          headers: { 'x-auth-token': token, 'content-type': 'application/json' },
          ...(method === 'GET' ? {} : { payload: JSON.stringify(payload) }),
        });
        assert.ok(answer.statusCode < 500, `${method} ${path}: ${answer.body}`);
      },
    ),
    { numRuns: 300 },
  );
});
