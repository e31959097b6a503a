import { isOperatingError } from '../base/errors.ts';
import type { Repository } from '../repository/repository.ts';
import { sleep } from '../store/retry.ts';

/** How often a plan is made again that somebody of this process has come in the way of. */
const attemptsMax = 3;
/** Between two looks whether a process that prunes or writes has ended. */
const pauseMs = 15_000;

/**
 * Gives back what no backup refers to; returns the bytes that the store has back. Waits for other
 * processes that are in the way: one that prunes, or writers that began before this. It may be
 * stopped at any point. Rejects with `corrupt` when a damaged backup hides what it needs.
 */
export async function pruneRepository(
  repository: Repository,
  { signal, onWait }: { signal: AbortSignal; onWait?: (what: string | null) => void },
): Promise<number> {
  let bytesFreed = 0;
  for (let conflicts = 0, again = true; again;) {
    const plan = await repository.planPrune({ signal });
    try {
      const outcome = await repository.executePrune(plan, { signal });
      bytesFreed += outcome.bytesFreed;
      const { waitsFor } = outcome;
      if (waitsFor.length > 0) {
        onWait?.(`the backups of ${waitsFor.join(', ')}, which began before this`);
        await sleep(pauseMs, signal);
        onWait?.(null);
      }
      // With the packs of patches that nothing refers to, what these lay on can go.
      const mayFreeMore = plan.bytesDeferred > 0 || outcome.lackedRoom;
      again = waitsFor.length > 0 || (outcome.packsRemoved > 0 && mayFreeMore);
    } catch (error) {
      if (!isOperatingError(error, 'conflict')) throw error;
      conflicts += 1;
      const { retryAfterSeconds } = error;
      if (retryAfterSeconds !== undefined) {
        onWait?.(`its turn: ${error.message}`);
        await sleep(retryAfterSeconds * 1000, signal);
        onWait?.(null);
      } else if (conflicts >= attemptsMax) throw error;
    }
  }
  return bytesFreed;
}
