import { once } from 'node:events';

const longMs = 2 ** 30;

/** Resolves when the user or the system tells the process to end: Ctrl-C, SIGTERM. */
export async function untilTold(): Promise<void> {
  const ended = new AbortController();
  const { signal } = ended;
  // Waiting for a signal alone keeps no process from ending.
  const alive = setInterval(() => undefined, longMs);
  await Promise.race([once(process, 'SIGINT', { signal }), once(process, 'SIGTERM', { signal })]);
  clearInterval(alive);
  ended.abort();
}
