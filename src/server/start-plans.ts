import type { Logger } from 'pino';
import type { ChangeFeed } from '../catalog/change-feed.ts';
import { systemScheduler } from '../job/scheduler.ts';
import type { OperationNeeds } from '../operation/needs.ts';
import { PlanScheduler } from '../plan/scheduler.ts';
import type { Settings } from './config-options.ts';

/** Runs the plans; the returned function ends it. */
export function startPlans(
  needs: OperationNeeds,
  feed: ChangeFeed,
  settings: Settings,
  log: Logger,
): () => Promise<void> {
  const plans = new PlanScheduler({
    needs,
    clock: needs.clock,
    scheduler: systemScheduler,
    runsAtOnce: settings.plansRunsAtOnce,
    log,
  });
  const unfollow = plans.follow(feed);
  plans.start();
  return async () => {
    unfollow();
    await plans.stop();
  };
}
