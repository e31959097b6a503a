import { monotonicMs } from '../base/clock.ts';
import { MB } from '../base/bytes.ts';
import { randomUnit } from '../base/chance.ts';
import { LimitedStore, Pace } from '../store/limit.ts';
import { openStoreRoot } from '../store/open-root.ts';
import { RetryingStore, sleep } from '../store/retry.ts';
import type { StoreRoot } from '../store/store.ts';
import { wrapRoot } from '../store/wrap-root.ts';
import type { Config } from './config.ts';

/** About eight seconds in all; a job that fails then tries again itself, later. */
const retries = { attemptsMax: 5, pauseMs: 500, pauseMsMax: 5000, sleep, random: randomUnit };

/** The store that the configuration names, with its limits, and with patience where it is far. */
export function openSecondaryStorage(config: Config): StoreRoot {
  const { storeUploadLimit, storeDownloadLimit } = config.settings;
  const limits = { upload: paceOf(storeUploadLimit), download: paceOf(storeDownloadLimit) };
  const root = openStoreRoot(config.storeUrl);
  const isFar = !root.url.startsWith('file:');
  return wrapRoot(root, (store) => {
    const limited = new LimitedStore(store, limits);
    return isFar ? new RetryingStore(limited, retries) : limited;
  });
}

function paceOf(megabytesPerSecond: number | undefined): Pace | undefined {
  if (megabytesPerSecond === undefined) return undefined;
  return new Pace({ bytesPerSecond: megabytesPerSecond * MB, now: monotonicMs, sleep });
}
