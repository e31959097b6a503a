import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const deadline = join(import.meta.dirname, 'deadline.ts');

function run(script: string, deadlineMs: number): { status: number | null; stderr: string } {
  const env = { ...process.env, FIRN_TEST_FILE_DEADLINE_MS: String(deadlineMs) };
  const options = { env, encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL' } as const;
  return spawnSync(process.execPath, ['--import', deadline, '--eval', script], options);
}

test('a test file that never ends fails, and says what keeps it', () => {
  const outcome = run('(function turn() { setImmediate(turn); })()', 200);
  assert.equal(outcome.status, 1);
  assert.match(outcome.stderr, /did not end within 200 ms; still active: .*Immediate/);
});

test('a file that ends is not kept by its deadline', () => {
  assert.deepEqual(run('', 60_000).status, 0);
});
