import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { configurationPath, withOptions } from '../scripts/docs.ts';

test('the table of options is that of the code; "npm run docs" writes it', async () => {
  const document = await readFile(configurationPath, 'utf8');
  assert.equal(document, withOptions(document));
  assert.match(document, /`listen` \| `--listen HOST:PORT` \| `FIRN_LISTEN`/);
});
