import { setFlagsFromString } from 'node:v8';
import { giveBackFree } from '../base/free-memory.ts';
import { MiB } from '../base/bytes.ts';

/** How often it is looked how much memory the process has. */
const lookEveryMs = 500;
/** By how much it grows before what was freed meanwhile is given back. */
const growthBytes = 8 * MiB;
/**
 * By how many percent the old objects of a thread may grow before they are collected. V8 alone
 * lets them double and more, and with them the buffers that they hold.
 */
const heapGrowingPercent = 40;

/**
 * Keeps the memory of the service near what it needs: old objects are collected sooner, and what
 * was freed goes back to the system whenever the process has grown. Before threads are started.
 * `rssBytes` and `giveBack`: for tests. Returns what ends it.
 */
export function boundMemory(
  rssBytes: () => number = () => process.memoryUsage.rss(),
  giveBack: () => Promise<void> = giveBackFree,
): () => void {
  setFlagsFromString(`--heap-growing-percent=${heapGrowingPercent}`);
  let least = rssBytes();
  let isBusy = false;
  const look = async (): Promise<void> => {
    const found = rssBytes();
    least = Math.min(least, found);
    if (isBusy || found < least + growthBytes) return;
    isBusy = true;
    await giveBack().finally(() => (isBusy = false));
    least = rssBytes();
  };
  const looking = setInterval(() => void look(), lookEveryMs).unref();
  return () => clearInterval(looking);
}
