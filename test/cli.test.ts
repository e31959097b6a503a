/** The executable as a shell sees it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const firn = fileURLToPath(new URL('../bin/firn.ts', import.meta.url));

test('a reader that goes early is no error', async () => {
  const child = spawn(process.execPath, [firn, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const [code]: unknown[] = await once(child, 'close');
  assert.deepEqual([code, complaint], [0, '']);
});
