/**
 * All checks of the project, in order of cost: format, types, lint, tests. With the argument
 * `check`, only the first three.
 *
 * With CI=true a test peer that is missing is a failure; elsewhere its tests are skipped and say
 * so.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPeers } from './test-peers.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sources = ['bin', 'src', 'test', 'bench', 'demo', 'scripts', 'dashboard/src'];

/** Two test files run at once, so that what they measure of time stays true on a small machine. */
const filesAtOnce = 2;

/** Runs a command of a package, or Node itself, and ends this process when it fails. */
function step(name: string, command: string, args: readonly string[]): void {
  process.stdout.write(`\n# ${name}\n`);
  const path = command === 'node' ? process.execPath : join(root, 'node_modules', '.bin', command);
  const outcome = spawnSync(path, args, { cwd: root, stdio: 'inherit' });
  if (outcome.status === 0) return;
  process.stdout.write(`\nFailed: ${name}\n`);
  process.exit(1);
}

step('format', 'oxfmt', ['--check', ...sources]);
step('types', 'tsc', ['-p', '.']);
step('types of the dashboard', 'tsc', ['-p', 'dashboard']);
step('lint', 'oxlint', ['--type-aware', ...sources]);
if (process.argv[2] !== 'check') {
  const missing = installPeers();
  if (missing.length > 0) {
    process.stdout.write(`\nMissing test peers (Debian packages): ${missing.join(', ')}\n`);
    if (process.env['CI'] === 'true') process.exit(1);
    process.stdout.write('Their tests are skipped.\n');
  }
  const patterns = ['src/**/*.test.ts', 'test/**/*.test.ts'];
  const deadline = ['--import', './test/deadline.ts'];
  const options = [...deadline, '--test', `--test-concurrency=${filesAtOnce}`];
  step('tests', 'node', [...options, ...patterns]);
}
