import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isOperatingError } from '../base/errors.ts';
import { takeDataFolder } from './data-folder.ts';

const modulePath = fileURLToPath(new URL('./data-folder.ts', import.meta.url));

/** A process that takes the folder and holds it until it is killed. */
async function holder(path: string) {
  const code =
    `const { takeDataFolder } = await import(${JSON.stringify(modulePath)});` +
    `await takeDataFolder(${JSON.stringify(path)});` +
    `console.log('taken'); setInterval(() => 0, 1e6);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code]);
  await once(child.stdout, 'data');
  return child;
}

test('a data folder is for one process, and free again after that was killed', async (t) => {
  const parent = await mkdtemp(join(tmpdir(), 'firn-folder-'));
  t.after(() => rm(parent, { recursive: true }));
  const path = join(parent, 'data');
  const other = await holder(path);
  await assert.rejects(takeDataFolder(path), (error: unknown) => {
    assert.ok(isOperatingError(error, 'conflict'));
    assert.match(error.message, new RegExp(`process ${other.pid}`));
    return true;
  });
  other.kill('SIGKILL');
  await once(other, 'exit');
  const mine = await takeDataFolder(path);
  mine.release();
  (await takeDataFolder(path)).release();
});
