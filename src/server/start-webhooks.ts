import type { Logger } from 'pino';
import type { ChangeFeed } from '../catalog/change-feed.ts';
import { systemScheduler } from '../job/scheduler.ts';
import type { OperationNeeds } from '../operation/needs.ts';
import { Deliverer } from '../webhook/deliverer.ts';
import type { Settings } from './config-options.ts';

/** Delivers the events of webhooks; the returned function ends it. */
export function startWebhooks(
  { catalog, clock }: OperationNeeds,
  feed: ChangeFeed,
  settings: Settings,
  log: Logger,
): () => Promise<void> {
  const deliverer = new Deliverer({
    catalog,
    clock,
    scheduler: systemScheduler,
    configured: settings.webhookTargets,
    allowPrivate: settings.webhooksAllowPrivate,
    log,
  });
  const unfollow = deliverer.follow(feed);
  deliverer.start();
  return async () => {
    unfollow();
    await deliverer.stop();
  };
}
