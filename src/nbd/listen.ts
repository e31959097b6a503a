import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { errnoOf, OperatingError } from '../base/errors.ts';

/** Resolves once `server` listens; rejects with the system's error (`EADDRINUSE` …). */
export function listening(server: Server, begin: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    begin();
  });
}

/**
 * Listens on a unix socket that only this user may use. A socket file that nobody answers on was
 * left by a process that died, and is replaced; a live one is refused with `exists`, as is a file
 * that is no socket.
 */
export async function listenOnPath(server: Server, path: string): Promise<void> {
  try {
    await listening(server, () => server.listen(path));
  } catch (error) {
    if (errnoOf(error) !== 'EADDRINUSE') throw error;
    await removeStale(path);
    await listening(server, () => server.listen(path));
  }
  await chmod(path, 0o600);
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path);
  if (!found.isSocket()) throw new OperatingError('exists', `${path} is there and is no socket`);
  if (await answers(path)) {
    throw new OperatingError('exists', `another process listens on ${path}`);
  }
  await unlink(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error) => {
      if (errnoOf(error) === 'ECONNREFUSED') resolve(false);
      else reject(error);
    });
  });
}
