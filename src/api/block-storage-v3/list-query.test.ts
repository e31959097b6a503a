import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as assertAll, property, string, tuple, uniqueArray } from 'fast-check';
import { parseFlag, parseMetadataFilter, parseWhole } from './list-query.ts';

/** A dictionary of strings as Python's `str` writes it. */
function pythonDict(entries: readonly (readonly [string, string])[]): string {
  const quoted = (text: string): string => `'${text.replaceAll(/([\\'])/g, '\\$1')}'`;
  return `{${entries.map(([key, value]) => `${quoted(key)}: ${quoted(value)}`).join(', ')}}`;
}

test('metadata is read as Python and as JSON write it', () => {
  assert.deepEqual(parseMetadataFilter("{'a': 'b', u'c': \"d's\"}"), { a: 'b', c: "d's" });
  assert.deepEqual(parseMetadataFilter('{"a":"b"}'), { a: 'b' });
  assert.deepEqual(parseMetadataFilter('{}'), {});
  for (const bad of ['a', '[]', "{'a'}", "{'a': 1}", "{'a': 'b' 'c': 'd'}", "{'a': 'b"]) {
    assert.equal(parseMetadataFilter(bad), undefined, bad);
  }
});

test('every dictionary of printable text comes back', () => {
  const text = string({ unit: 'grapheme-ascii', maxLength: 12 });
  assertAll(
    property(uniqueArray(tuple(text, text), { selector: ([key]) => key }), (entries) => {
      const expected = Object.fromEntries(entries.filter(([key]) => key !== '__proto__'));
      const given = pythonDict(Object.entries(expected));
      assert.deepEqual(parseMetadataFilter(given), expected);
    }),
  );
});

test('numbers and flags that are none match nothing', () => {
  assert.deepEqual(['7', 'x', '-1', '1.5'].map(parseWhole), [7, undefined, undefined, undefined]);
  assert.deepEqual(['True', '0', 'maybe'].map(parseFlag), [true, false, undefined]);
});
