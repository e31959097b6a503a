/** A real OpenStack Swift in one process, with its S3 face. */
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { assert } from '../../src/base/assert.ts';
import { Processes } from './processes.ts';

/** Debian's packages are for Debian's Python, whatever else is first in the path. */
const python = '/usr/bin/python3';
const script = fileURLToPath(new URL('swift_server.py', import.meta.url));

export const hasSwift = existsSync('/usr/bin/swift-proxy-server') && existsSync(python);

export interface TemporaryServer {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts it. Users: `test:tester` with the key `testing`, who owns an account; `test:reader` with
 * `reading`, who may do nothing in it; `other:stranger` with `strange`, who owns another.
 */
export async function startSwift(): Promise<TemporaryServer> {
  const processes = await Processes.open('swift');
  const child = processes.start(python, ['-B', script, processes.folder], { signal: 'SIGKILL' });
  assert(child.stdout !== null, 'its output is read');
  const lines = createInterface({ input: child.stdout });
  const said: unknown[] = await Promise.race([once(lines, 'line'), once(child, 'exit')]);
  const port = /^ready (\d+)$/.exec(String(said[0]))?.[1];
  if (port === undefined) await processes.stop();
  assert(port !== undefined, `Swift started: ${String(said[0])}`);
  return { url: `http://127.0.0.1:${port}`, stop: () => processes.stop() };
}
