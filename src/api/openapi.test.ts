/**
 * Every route of the served documents, with what clients should not send: an answer is a fault that
 * a person can read, and never the service's own.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import { openStorage } from './block-storage-v3/storage-fixture.ts';
import {
  asObject,
  bodyFor,
  type Method,
  type Operation,
  operationsOf,
  urlFor,
  wrongIn,
} from './openapi-fixture.ts';
import { openWalk, type Walk } from './walk-fixture.ts';

const faces = { volume: '/volume/v3', identity: '/identity/v3', image: '/image/v2' } as const;
type Face = keyof typeof faces;

async function documentOf({ app }: Pick<Walk, 'app'>, face: Face): Promise<JsonObject> {
  const reply = await app.inject({ url: `/${face}/openapi.json` });
  assert.equal(reply.statusCode, 200);
  return asObject(reply.json());
}

interface Sent {
  readonly method: Method;
  readonly url: string;
  readonly token: string;
  readonly version: string;
  readonly body: unknown;
}

/** Sends a request; resolves with its status, and its body when it is an object. */
async function send({ app }: Walk, sent: Sent): Promise<{ status: number; answer: JsonObject }> {
  const { method, url, token, version, body } = sent;
  const withBody = method !== 'GET' && method !== 'DELETE' && body !== undefined;
  const reply = await app.inject({
    method,
    url,
    headers: {
      'x-auth-token': token,
      'openstack-api-version': `volume ${version}`,
      ...(withBody ? { 'content-type': 'application/json' } : {}),
    },
    ...(withBody ? { payload: JSON.stringify(body) } : {}),
  });
  const isJson = /json/.test(reply.headers['content-type'] ?? '') && reply.body !== '';
  return { status: reply.statusCode, answer: isJson ? asObject(reply.json()) : {} };
}

const microversion = fc.constantFrom('3.0', '3.27', '3.50', '3.71');

test('the documents describe every resource, with the schemas of its bodies', async (t) => {
  const walk = await openWalk(t);
  const described = async (face: Face): Promise<Operation[]> =>
    operationsOf(await documentOf(walk, face));
  const volume = await described('volume');
  const has = (method: Method, path: string): Operation | undefined =>
    volume.find((each) => each.method === method && each.path === path);
  assert.ok(has('GET', '/volumes/detail')?.queries.includes('created_at'));
  assert.ok((has('POST', '/volumes/{id}/action')?.schemas.length ?? 0) > 20);
  assert.equal(has('POST', '/volumes')?.schemas[0]?.['type'], 'object');
  for (const [face, path] of Object.entries(faces)) {
    const there = walk.routes
      .filter(({ url }) => url.startsWith(`${path}/`) && url !== `${path}/`)
      .map(({ method, url }) => `${method} ${url.slice(path.length)}`);
    const told = (await described(face as Face)).filter((each) => each.path !== '/');
    const names = told.map((each) => `${each.method} ${each.path.replaceAll(/\{(\w+)\}/g, ':$1')}`);
    assert.deepEqual([...new Set(names)].toSorted(), [...new Set(there)].toSorted(), face);
    const bare = told.filter(
      ({ method, schemas }) => ['POST', 'PUT', 'PATCH'].includes(method) && schemas.length === 0,
    );
    const paths = bare
      .map((each) => each.path)
      .filter((each) => !/\/roles\/|\/(?:users|tags)\/\{/.test(each));
    assert.deepEqual(paths.toSorted(), withoutBody[face as Face]);
  }
});

/** What takes no body, or no JSON. */
const withoutBody: Readonly<Record<Face, readonly string[]>> = {
  volume: ['/manageable_snapshots', '/os-snapshot-manage'],
  identity: [],
  image: [
    '/images/{id}/actions/deactivate',
    '/images/{id}/actions/reactivate',
    '/images/{id}/file',
    '/images/{id}/stage',
  ],
};

for (const face of Object.keys(faces) as Face[]) {
  test(`no request to ${face} makes a fault of the service`, async (t) => {
    const walk = await openWalk(t);
    await walk.scene.images.prepare();
    for (const operation of operationsOf(await documentOf(walk, face))) {
      const { method } = operation;
      const token = await walk.login('ann');
      const arbitrary = fc.tuple(urlFor(operation), bodyFor(operation), microversion);
      await fc.assert(
        fc.asyncProperty(arbitrary, async ([path, body, version]) => {
          const url = `${faces[face]}${path}`;
          const { status, answer } = await send(walk, { method, url, token, version, body });
          const told = `${method} ${url} ${JSON.stringify(body)}: ${status}`;
          assert.ok(status < 500 || status === 503, `${told} ${JSON.stringify(answer)}`);
          if (status < 400) return;
          const [fault] = Object.values(answer);
          const { code, message } = asObject(fault);
          assert.ok(code === status && typeof message === 'string' && message !== '', told);
        }),
        { numRuns: method === 'GET' ? 4 : 8 },
      );
    }
  });

  test(`what is wrong in a body for ${face} is called by its name`, async (t) => {
    const walk = await openWalk(t);
    const operations = operationsOf(await documentOf(walk, face));
    let namedCount = 0;
    for (const { method, path, schemas } of operations) {
      const token = await walk.login('ann');
      for (const schema of schemas) {
        const url = `${faces[face]}${path.replaceAll(/\{\w+\}/g, 'none')}`;
        await fc.assert(
          fc.asyncProperty(wrongIn(schema), async ({ names, body }) => {
            if (names.length === 0) return;
            const sent = { method, url, token, version: '3.71', body };
            const { status, answer } = await send(walk, sent);
            const told = `${method} ${url} ${JSON.stringify(body)}: ${JSON.stringify(answer)}`;
            assert.ok(status >= 400 && status < 500, told);
            if (status !== 400) return;
            namedCount += 1;
            const message = JSON.stringify(answer);
            assert.ok(
              names.some((name) => message.includes(name)),
              told,
            );
          }),
          { numRuns: 3 },
        );
      }
    }
    assert.ok(namedCount > 3, `${namedCount} fields were named`);
  });
}

test('bytes that are no good JSON are refused', async (t) => {
  const storage = await openStorage(t);
  const texts = [
    '{',
    '{"volume":{"size":1}',
    'null',
    '[]',
    '"volume"',
    `${'['.repeat(5000)}${']'.repeat(5000)}`,
    `{"volume":${'{"a":'.repeat(100)}1${'}'.repeat(100)}}`,
    '{"volume":{"size":1,"name":"\\u0000"}}',
    '{"volume":{"__proto__":{"size":1}}}',
    '{"volume":{"size":99999999999999999999999999}}',
    '{"volume":{"size":1e400}}',
    Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
  ];
  for (const text of texts) {
    const answer = await storage.ask({ method: 'POST', path: '/volumes', text });
    assert.equal(answer.status, 400, String(text).slice(0, 50));
    assert.ok(isJsonObject(answer.body['badRequest']));
  }
});
