/**
 * Request bodies: bytes to JSON values that the rest of the service can take without fear.
 *
 * A body is UTF-8, at most 64 levels deep, and holds no NUL character (PostgreSQL stores none), no
 * key `__proto__` and no key twice in one object: parsers differ in which of the two they believe
 * (RFC 8259, section 4). An empty body is no body.
 */
import { must } from '../base/assert.ts';
import { OperatingError } from '../base/errors.ts';
import type { JsonValue } from '../base/json.ts';

const depthMax = 64;

const utf8 = new TextDecoder('utf-8', { fatal: true });

function malformed(cause?: unknown): OperatingError {
  return new OperatingError('invalid_input', 'Malformed request body', { cause });
}

/** Rejects with `invalid_input` whatever is not JSON as the head of this file says. */
export function parseJson(bytes: Uint8Array): JsonValue | undefined {
  if (bytes.length === 0) return undefined;
  let text: string;
  let value: JsonValue;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch (error) {
    throw malformed(error);
  }
  checkValue(value);
  checkKeys(text);
  return value;
}

/** The tokens of a text that is known to be JSON, but for numbers and words. */
const token = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;

/** Rejects a key that stands twice in one object, by its name. */
function checkKeys(text: string): void {
  const open: Set<string>[] = [];
  let before = '';
  for (const [found] of text.matchAll(token)) {
    if (found === '{' || found === '[') open.push(new Set());
    else if (found === '}' || found === ']') open.pop();
    else if (found === ':') {
      const keys = must(open.at(-1), 'the object of a key');
      // A key may be written in more than one way.
      const key = before.includes('\\') ? String(JSON.parse(before)) : before.slice(1, -1);
      if (keys.has(key)) {
        const message = `Malformed request body: the key '${key}' stands twice in one object`;
        throw new OperatingError('invalid_input', message, { field: key });
      }
      keys.add(key);
    }
    before = found;
  }
}

/** Walks with its own stack: a deep value must not exhaust the call stack. */
function checkValue(root: JsonValue): void {
  const open: { value: JsonValue; depth: number }[] = [{ value: root, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (depth > depthMax) throw malformed();
    if (typeof value === 'string') checkText(value);
    else if (Array.isArray(value)) {
      for (const item of value) open.push({ value: item, depth: depth + 1 });
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) {
        checkText(key);
        if (key === '__proto__') throw malformed();
        open.push({ value: item, depth: depth + 1 });
      }
    }
  }
}

function checkText(text: string): void {
  if (text.includes('\0')) {
    throw new OperatingError('invalid_input', 'Malformed request body: it holds a NUL character');
  }
}
