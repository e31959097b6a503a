/** What clients should not send, made of what a served OpenAPI document says that they may. */
import * as fc from 'fast-check';
import { newId } from '../base/ids.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import { listIn, objectIn, textIn } from './block-storage-v3/storage-fixture.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Operation {
  readonly method: Method;
  readonly path: string;
  readonly queries: readonly string[];
  readonly schemas: readonly JsonObject[];
}

export const asObject = (value: unknown): JsonObject => (isJsonObject(value) ? value : {});

/** What a served document says that there is. */
export function operationsOf(document: JsonObject): Operation[] {
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

/** Bodies that are good, nearly good, and bad. */
export function bodyFor({ schemas }: Operation): fc.Arbitrary<unknown> {
  if (schemas.length === 0) return fc.oneof(fc.constant(undefined), nasty);
  const good = fc.oneof(...schemas.map((schema) => like(schema)));
  const bad = fc.tuple(good, fc.nat(1000), nasty).map(([value, at, by]) => spoiled(value, at, by));
  return fc.oneof(good, bad, bad, nasty);
}

/** Fields of the path, and a query that the list knows, with texts that it should not get. */
export function urlFor({ path, queries }: Operation): fc.Arbitrary<string> {
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

/**
 * A body with a field that holds what no schema of it allows, and the names of all fields that
 * there may be: others can be wrong as well, as texts may have to have a form.
 */
export function wrongIn(schema: JsonObject): fc.Arbitrary<{ names: string[]; body: unknown }> {
  const places = fieldsOf(schema);
  if (places.length === 0) return fc.constant({ names: [], body: undefined });
  return fc.tuple(like(schema), fc.constantFrom(...places)).map(([body, place]) => ({
    names: places.flat(),
    body: put(body, place, { wrong: { wrong: [] } }),
  }));
}

/** Paths to the fields of text, numbers and truth that an object of this schema has at least. */
function fieldsOf(schema: JsonObject, path: readonly string[] = []): string[][] {
  return Object.entries(asObject(schema['properties'])).flatMap(([name, value]) => {
    const field = asObject(value);
    const at = [...path, name];
    if (typeof field['type'] === 'string' && field['type'] !== 'object') return [at];
    return fieldsOf(field, at);
  });
}

function put(value: unknown, [name = '', ...rest]: readonly string[], wrong: unknown): JsonObject {
  const object = asObject(value);
  return {
    ...object,
    [name]: rest.length === 0 ? wrong : put(object[name], rest, wrong),
  } as JsonObject;
}
