/**
 * Does something with each of many, at most `max` at a time, in their order. Rejects with the first
 * failure when all that were begun have ended; the rest are not begun.
 */
export async function atOnce<T>(
  max: number,
  all: Iterable<T> | AsyncIterable<T>,
  act: (one: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const run = async (one: T): Promise<void> => {
    try {
      await act(one);
    } catch (error) {
      failures.push(error);
    }
  };
  try {
    for await (const one of all) {
      const work = run(one).then(() => void running.delete(work));
      running.add(work);
      if (running.size >= max) await Promise.race(running);
      if (failures.length > 0) break;
    }
  } finally {
    await Promise.all(running);
  }
  if (failures.length > 0) throw failures[0];
}
