import assert from 'node:assert/strict';
import test from 'node:test';
import { Type } from 'typebox';
import { isOperatingError } from '../base/errors.ts';
import { parseBody } from './body.ts';
import { pythonRepr } from './python-repr.ts';
import { parseBool, parsePage, parseSort } from './query.ts';

const Body = Type.Object({
  volume: Type.Object(
    {
      size: Type.Integer({ minimum: 1, maximum: 100 }),
      name: Type.Optional(Type.Union([Type.String({ maxLength: 5 }), Type.Null()])),
      mode: Type.Optional(Type.Union([Type.Literal('rw'), Type.Literal('ro')])),
      id: Type.Optional(Type.String({ pattern: '^[a-f]+$' })),
      force: Type.Optional(Type.Boolean()),
      metadata: Type.Optional(Type.Record(Type.String(), Type.String())),
    },
    { additionalProperties: false },
  ),
});

function refusal(body: unknown): string {
  try {
    parseBody(Body, body);
  } catch (error) {
    assert.ok(isOperatingError(error, 'invalid_input'));
    return error.message;
  }
  return 'no error';
}

test('a body that fits is itself', () => {
  const body = { volume: { size: 1, name: null, mode: 'ro', metadata: { a: 'b' } } };
  assert.equal(parseBody(Body, body), body);
});

test('what is wrong is said in the words of Cinder', () => {
  const size = 'Invalid input for field/attribute size. Value: ';
  const cases: [object, string][] = [
    [{ size: 0 }, `${size}0. 0 is less than the minimum of 1`],
    [{ size: -5 }, `${size}-5. -5 is less than the minimum of 1`],
    [{ size: 101 }, `${size}101. 101 is greater than the maximum of 100`],
    [{ size: '1' }, `${size}1. '1' is not of type 'integer'`],
    [{ size: 1.5 }, `${size}1.5. 1.5 is not of type 'integer'`],
    [{ size: null }, `${size}None. None is not of type 'integer'`],
    [{ size: true }, `${size}True. True is not of type 'integer'`],
    [
      { size: 1, name: 'abcdef' },
      "Invalid input for field/attribute name. Value: abcdef. 'abcdef' is too long",
    ],
    [
      { size: 1, name: 5 },
      "Invalid input for field/attribute name. Value: 5. 5 is not of type 'string', 'null'",
    ],
    [
      { size: 1, mode: 'x' },
      "Invalid input for field/attribute mode. Value: x. 'x' is not one of ['rw', 'ro']",
    ],
    [
      { size: 1, id: 'x' },
      "Invalid input for field/attribute id. Value: x. 'x' does not match '^[a-f]+$'",
    ],
    [
      { size: 1, metadata: { a: 5 } },
      "Invalid input for field/attribute a. Value: 5. 5 is not of type 'string'",
    ],
    [
      { size: 1, x: 2 },
      "Invalid input for field/attribute volume. Value: {'size': 1, 'x': 2}. " +
        "Additional properties are not allowed ('x' was unexpected)",
    ],
    [
      { name: 'a' },
      "Invalid input for field/attribute volume. Value: {'name': 'a'}. " +
        "'size' is a required property",
    ],
  ];
  for (const [volume, message] of cases) {
    assert.equal(refusal({ volume }), message);
  }
  assert.equal(refusal({}), "'volume' is a required property");
  assert.equal(refusal([]), "[] is not of type 'object'");
  assert.equal(refusal(null), "None is not of type 'object'");
  assert.equal(refusal(undefined), 'Missing required element in request body.');
});

test('a message is short however large the value', () => {
  assert.ok(refusal({ volume: { size: 'x'.repeat(100_000) } }).length < 1000);
  let deep: unknown = 1;
  for (let depth = 0; depth < 60; depth += 1) deep = [deep];
  assert.ok(refusal({ volume: { size: deep } }).length < 1000);
});

test('values are written as Python writes them', () => {
  assert.equal(pythonRepr({ a: [true, null, 1.5, "it's"] }), `{'a': [True, None, 1.5, "it's"]}`);
  assert.equal(pythonRepr('a\nb\\'), "'a\\nb\\\\'");
  assert.equal(pythonRepr(`'"`), `'\\'"'`);
});

test('pages are read, and refused in the words of Cinder', () => {
  assert.deepEqual(parsePage({}), { limit: 1000, marker: undefined, offset: 0 });
  assert.deepEqual(parsePage({ limit: '5000', marker: 'm', offset: '7' }), {
    limit: 1000,
    marker: 'm',
    offset: 7,
  });
  assert.equal(parsePage({ limit: '0' }).limit, 0);
  const refused: [Record<string, string>, string][] = [
    [{ limit: 'x' }, 'limit param must be an integer'],
    [{ limit: '' }, 'limit param must be an integer'],
    [{ limit: '1e3' }, 'limit param must be an integer'],
    [{ limit: '-1' }, 'limit param must be positive'],
    [{ offset: 'x' }, 'offset must be an integer.'],
    [{ offset: '-1' }, 'offset must be >= 0'],
    [{ offset: '99999999999' }, 'offset must be <= 2147483647'],
  ];
  for (const [query, message] of refused) assert.throws(() => parsePage(query), { message });
});

test('sorting is read in both forms', () => {
  assert.equal(parseSort({}), undefined);
  assert.deepEqual(parseSort({ sort: 'name:asc, created_at' }), [
    { key: 'name', direction: 'asc' },
    { key: 'created_at', direction: 'desc' },
  ]);
  assert.deepEqual(parseSort({ sort_key: 'size', sort_dir: 'asc' }), [
    { key: 'size', direction: 'asc' },
  ]);
  assert.throws(() => parseSort({ sort: 'name:up' }), /Unknown sort direction/);
  assert.throws(() => parseSort({ sort: 'name', sort_key: 'name' }), /deprecated/);
});

test('booleans are read as OpenStack writes them', () => {
  assert.equal(parseBool({ a: 'True' }, 'a', false), true);
  assert.equal(parseBool({ a: '0' }, 'a', true), false);
  assert.equal(parseBool({}, 'a', true), true);
  assert.throws(
    () => parseBool({ a: 'maybe' }, 'a', true),
    /Value 'maybe' for 'a' is not a boolean/,
  );
});
