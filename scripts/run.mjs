/**
 * Runs a TypeScript file of this project on the Node that comes with its packages, and installs the
 * packages first where they are missing or older than the lock file. Plain JavaScript for any Node
 * from 20 on, because it runs before anything is installed.
 *
 * Usage: node scripts/run.mjs FILE.ts [ARGUMENT ...]
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runOnBundledNode } from './node-path.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The packages of a lock file that this platform needs, as `path → version`. */
function lockedVersions(path) {
  try {
    const entries = Object.entries(JSON.parse(readFileSync(path, 'utf8')).packages);
    return new Map(
      entries
        .filter(([name, entry]) => name !== '' && !entry.optional)
        .map(([name, entry]) => [name, entry.version]),
    );
  } catch (error) {
    if (error.code === 'ENOENT') return new Map();
    throw error;
  }
}

function packagesAreCurrent() {
  const wanted = lockedVersions(join(root, 'package-lock.json'));
  const present = lockedVersions(join(root, 'node_modules', '.package-lock.json'));
  return [...wanted].every(([name, version]) => present.get(name) === version);
}

function installPackages() {
  process.stderr.write('Installing packages …\n');
  const npm = process.env.npm_execpath;
  const command = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
  // Not `npm ci`: it refuses a lock file that leaves out optional packages of other platforms.
  const flags = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  const outcome = spawnSync(command[0], [...command.slice(1), ...flags], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (outcome.status === 0) return;
  process.stderr.write(
    'Firn: the packages could not be installed (npm install failed; see above).\n',
  );
  process.exit(1);
}

const [file, ...args] = process.argv.slice(2);
if (!packagesAreCurrent()) installPackages();
runOnBundledNode([join(root, file), ...args]);
