import { readFileSync } from 'node:fs';
import { assert } from './assert.ts';
import { isJsonObject, type JsonValue } from './json.ts';

/** The release of Firn that runs, as `package.json` has it. */
export const version: string = readVersion();

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const manifest = JSON.parse(text) as JsonValue;
  assert(isJsonObject(manifest), 'package.json holds an object');
  const { version: found } = manifest;
  assert(typeof found === 'string', 'package.json names the version');
  return found;
}
