import assert from 'node:assert/strict';
import test from 'node:test';
import { assert as holds, dictionary, jsonValue, property, string } from 'fast-check';
import { messageOf } from '../base/errors.ts';
import { parseJson } from './json-body.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

function refusal(text: string): string {
  try {
    parseJson(bytes(text));
  } catch (error) {
    return messageOf(error);
  }
  return 'nothing';
}

test('a key that stands twice in one object is refused by its name', () => {
  const twice = [
    '{"name": "a", "size": 1, "name": "b"}',
    '{"volume": {"name": 1, "name": 1}}',
    '[{"a": {"name": []}}, {"name": {"name": 1}, "name": 2}]',
    '{"name": "x:y", "na\\u006de": "{"}',
  ];
  for (const text of twice) {
    assert.equal(
      refusal(text),
      "Malformed request body: the key 'name' stands twice in one object",
      text,
    );
  }
  assert.match(refusal('{"\\"": 1, "\\"": 2}'), /the key '"' stands twice/);
});

test('the same key in different objects, and as a value, is no mistake', () => {
  const texts = [
    '{"a": {"a": "a"}, "b": ["a", "a", {"a": 1}, {"a": 2}]}',
    '{"a": "\\"a\\": 1, \\"a\\": 2", "b": "{[", "c": ":"}',
    '{"\\\\": 1, "\\\\\\\\": 2}',
  ];
  for (const text of texts) assert.deepEqual(parseJson(bytes(text)), JSON.parse(text));
});

test('whatever JSON writes is read back', () => {
  const values = dictionary(string({ unit: 'binary' }), jsonValue());
  const isTaken = (value: unknown): boolean => !/\\u0000|__proto__/.test(JSON.stringify(value));
  holds(
    property(values.filter(isTaken), (value) => {
      const text = JSON.stringify(value);
      assert.deepEqual(parseJson(bytes(text)), JSON.parse(text));
    }),
    { numRuns: 300 },
  );
});
