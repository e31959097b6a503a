import { isOperatingError } from '../base/errors.ts';
import type { Repository } from '../repository/repository.ts';

/** How often a plan is made again that somebody has come in the way of. */
const attemptsMax = 3;

/**
 * Gives back what no backup refers to; returns the bytes that the store has back. It may be stopped
 * at any point. Rejects with `corrupt` when a damaged backup hides what it needs.
 */
export async function pruneRepository(
  repository: Repository,
  { signal }: { signal: AbortSignal },
): Promise<number> {
  let bytesFreed = 0;
  for (let conflicts = 0, again = true; again;) {
    const plan = await repository.planPrune({ signal });
    try {
      const outcome = await repository.executePrune(plan, { signal });
      bytesFreed += outcome.bytesFreed;
      // With the packs of patches that nothing refers to, what these lay on can go.
      again = outcome.packsRemoved > 0 && plan.bytesDeferred > 0;
    } catch (error) {
      conflicts += 1;
      if (!isOperatingError(error, 'conflict') || conflicts === attemptsMax) throw error;
    }
  }
  return bytesFreed;
}
