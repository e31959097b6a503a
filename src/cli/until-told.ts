import { once } from 'node:events';

/** Resolves when the user or the system tells the process to end: Ctrl-C, SIGTERM. */
export async function untilTold(): Promise<void> {
  const ended = new AbortController();
  const { signal } = ended;
  await Promise.race([once(process, 'SIGINT', { signal }), once(process, 'SIGTERM', { signal })]);
  ended.abort();
}
