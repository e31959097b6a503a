/**
 * Every route of the served document, with what clients should not send: an answer is a fault that
 * a person can read, and never the service's own.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { newId } from '../../base/ids.ts';
import { listIn, objectIn, openStorage, textIn, type Storage } from './storage-fixture.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

interface Operation {
  readonly method: Method;
  readonly path: string;
  readonly queries: readonly string[];
  readonly schemas: readonly JsonObject[];
}

const asObject = (value: unknown): JsonObject => (isJsonObject(value) ? value : {});

function operationsOf(document: JsonObject): Operation[] {
  return Object.entries(objectIn(document, 'paths')).flatMap(([path, item]) =>
    Object.entries(asObject(item)).map(([method, value]) => {
      const operation = asObject(value);
      const content = asObject(asObject(operation['requestBody'])['content']);
      const schema = asObject(asObject(content['application/json'])['schema']);
      const queries = listIn(operation, 'parameters').filter((each) => each['in'] === 'query');
      const single = Object.keys(schema).length === 0 ? [] : [schema];
      return {
        method: method.toUpperCase() as Method,
        path,
        queries: queries.map((each) => textIn(each, 'name')),
        schemas: Array.isArray(schema['anyOf']) ? schema['anyOf'].map(asObject) : single,
      };
    }),
  );
}

async function documentOf({ app }: Storage): Promise<JsonObject> {
  const reply = await app.inject({ url: '/volume/openapi.json' });
  assert.equal(reply.statusCode, 200);
  return asObject(reply.json());
}

const nastyTexts = [
  '',
  ' ',
  '..',
  '../../etc/passwd',
  'a'.repeat(256),
  'x'.repeat(5000),
  '\u0000',
  '\ud800',
  '😀'.repeat(90),
  "'; drop table volumes; --",
  '__proto__',
  'constructor',
  '-1',
  '1e999',
  '%00',
  '{"a":1}',
  "{'a': 'b'}",
  'gt:2026-01-01',
  newId(),
];
const nastyText = fc.constantFrom(...nastyTexts);
const nasty = fc.oneof(
  nastyText,
  fc.constantFrom(null, true, [], {}, [null], { a: { b: [] } }, 0, -1, 1.5, 2 ** 53, 1e308, -0),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Values that a schema lets through, or nearly. */
function like(schema: JsonObject, depth = 0): fc.Arbitrary<unknown> {
  const { anyOf, type } = schema;
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map((each) => like(asObject(each), depth)));
  if ('const' in schema) return fc.constant(schema['const']);
  if (schema['format'] === 'uuid') return fc.constant(newId());
  if (type === 'integer') return fc.integer({ min: -1, max: 3 });
  if (type === 'boolean') return fc.boolean();
  if (type === 'null') return fc.constant(null);
  if (type === 'array')
    return fc.array(like(asObject(schema['items']), depth + 1), { maxLength: 2 });
  if (type !== 'object' || depth > 6) return fc.constantFrom('name', '2', 'true', 'available');
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const fields = Object.entries(asObject(schema['properties'])).map(
    ([name, field]) => [name, like(asObject(field), depth + 1)] as const,
  );
  return fc.record(Object.fromEntries(fields), {
    requiredKeys: required.filter((name) => typeof name === 'string'),
  });
}

/** The value with something else in one place. */
function spoiled(value: unknown, at: number, by: unknown): unknown {
  if (!isJsonObject(value) || Object.keys(value).length === 0) return by;
  const entries = Object.entries(value);
  const [name, inner] = entries[at % entries.length] ?? ['', undefined];
  if (at % 7 === 3) return { ...value, surprise: by };
  return { ...value, [name]: spoiled(inner, Math.floor(at / 2), by) };
}

function bodyFor({ schemas }: Operation): fc.Arbitrary<unknown> {
  if (schemas.length === 0) return fc.oneof(fc.constant(undefined), nasty);
  const good = fc.oneof(...schemas.map((schema) => like(schema)));
  const bad = fc.tuple(good, fc.nat(1000), nasty).map(([value, at, by]) => spoiled(value, at, by));
  return fc.oneof(good, bad, bad, nasty);
}

const microversion = fc.constantFrom('3.0', '3.27', '3.50', '3.71');

/** Fields of the path, and a query that the list knows, with texts that it should not get. */
function urlFor({ path, queries }: Operation): fc.Arbitrary<string> {
  const places = [...path.matchAll(/\{\w+\}/g)].length;
  const texts = fc.array(nastyText, { minLength: places, maxLength: places });
  const names = fc.constantFrom(...(queries.length === 0 ? ['x'] : queries));
  const query = fc.option(fc.tuple(names, nastyText), { nil: undefined });
  return fc.tuple(texts, query).map(([values, pair]) => {
    let place = 0;
    const filled = path.replaceAll(/\{\w+\}/g, () => encoded(values[place++] ?? '') || newId());
    return pair === undefined ? filled : `${filled}?${pair[0]}=${encoded(pair[1])}`;
  });
}

const encoded = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replaceAll('.', '%2E');

test('the document describes every resource, with the schemas of its bodies', async (t) => {
  const storage = await openStorage(t);
  const document = await documentOf(storage);
  const operations = operationsOf(document);
  const has = (method: Method, path: string): Operation | undefined =>
    operations.find((each) => each.method === method && each.path === path);
  assert.ok(operations.length > 110, `${operations.length} operations`);
  assert.ok(has('GET', '/volumes/detail')?.queries.includes('created_at'));
  assert.ok((has('POST', '/volumes/{id}/action')?.schemas.length ?? 0) > 20);
  assert.equal(has('POST', '/volumes')?.schemas[0]?.['type'], 'object');
  const bare = operations.filter(
    ({ method, schemas }) => ['POST', 'PUT'].includes(method) && schemas.length === 0,
  );
  assert.deepEqual(bare.map(({ path }) => path).toSorted(), [
    '/manageable_snapshots',
    '/os-snapshot-manage',
  ]);
});

test('no request makes a fault of the service', async (t) => {
  const storage = await openStorage(t);
  await storage.scene.images.prepare();
  const operations = operationsOf(await documentOf(storage));
  for (const operation of operations) {
    const { method, path } = operation;
    const arbitrary = fc.tuple(urlFor(operation), bodyFor(operation), microversion);
    await fc.assert(
      fc.asyncProperty(arbitrary, async ([url, body, version]) => {
        const { status, body: answer } = await storage.ask({
          who: 'ann',
          method,
          path: url,
          microversion: version,
          ...(method === 'GET' || method === 'DELETE' || body === undefined ? {} : { body }),
        });
        const told = `${method} ${url} ${JSON.stringify(body)}: ${status}`;
        assert.ok(status < 500 || status === 503, `${told} ${JSON.stringify(answer)}`);
        if (status < 400) return;
        const [fault] = Object.values(answer);
        const { code, message } = asObject(fault);
        assert.ok(code === status && typeof message === 'string' && message !== '', told);
      }),
      { numRuns: method === 'GET' ? 5 : 10 },
    );
    assert.ok(path.startsWith('/'));
  }
});

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
