/** A real Keystone 22 in one process, with SQLite and fernet tokens. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { assert } from '../../src/base/assert.ts';
import { Processes } from './processes.ts';
import type { TemporaryServer } from './swift.ts';

/** Debian's packages are for Debian's Python, whatever else is first in the path. */
const python = '/usr/bin/python3';
const script = fileURLToPath(new URL('keystone_server.py', import.meta.url));

export const hasKeystone = existsSync('/usr/bin/keystone-manage') && existsSync(python);

/** Of the user `admin` in the project `admin`. */
export const keystonePassword = 'cloud-secret';

export interface Keystone extends TemporaryServer {
  /** Tokens that are issued from soon on live five seconds. */
  shortenTokens(): void;
}

/** Starts it; Identity v3 is at `url` and `/v3`. */
export async function startKeystone(): Promise<Keystone> {
  const processes = await Processes.open('keystone');
  const child = processes.start(python, ['-B', script, processes.folder], { signal: 'SIGKILL' });
  assert(child.stdout !== null, 'its output is read');
  const lines = createInterface({ input: child.stdout });
  const said: unknown[] = await Promise.race([once(lines, 'line'), once(child, 'exit')]);
  const port = /^ready (\d+)$/.exec(String(said[0]))?.[1];
  if (port === undefined) await processes.stop();
  assert(port !== undefined, `Keystone started: ${String(said[0])}`);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => processes.stop(),
    shortenTokens: () => void child.kill('SIGUSR1'),
  };
}
