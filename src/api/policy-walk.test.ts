/**
 * Every route, asked by everybody. The routes are those that are registered: one about which
 * `route-policy-fixture.ts` says nothing fails the test.
 *
 * A request here has an empty body, so that some routes answer 400 before they look at who asks;
 * what must never happen is that they do something. What is the own project's and what is another's
 * has a test of its own.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
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
): Promise<number> {
  const path = url.replaceAll(/:\w+/g, nothing);
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
