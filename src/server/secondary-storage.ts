import { MB } from '../base/bytes.ts';
import { randomUnit } from '../base/chance.ts';
import { monotonicMs } from '../base/clock.ts';
import { manifestName } from '../repository/manifest.ts';
import { type Limits, LimitedStore, Pace } from '../store/limit.ts';
import { openStoreRoot } from '../store/open-root.ts';
import { ReplicatedRoot } from '../store/replicate.ts';
import { RetryingStore, sleep } from '../store/retry.ts';
import type { StoreRoot } from '../store/store.ts';
import { wrapRoot } from '../store/wrap-root.ts';
import type { Config } from './config.ts';
import type { RetryCounts, StoreRole } from './retry-counts.ts';

/** About eight seconds in all; a job that fails then tries again itself, later. */
const retries = { attemptsMax: 5, pauseMs: 500, pauseMsMax: 5000, sleep, random: randomUnit };

export interface SecondaryStorage {
  readonly root: StoreRoot;
  readonly replication: ReplicatedRoot | undefined;
}

/**
 * The store that the configuration names, with its limits, with patience where it is far, and with
 * its copy if there is to be one. `folder` keeps what is to be removed from the copy.
 */
export function openSecondaryStorage(
  { storeUrl, settings }: Config,
  folder: string,
  retryCounts: RetryCounts,
  onProblem: (error: unknown) => void,
): SecondaryStorage {
  const limits = {
    upload: paceOf(settings.storeUploadLimit),
    download: paceOf(settings.storeDownloadLimit),
  };
  const open = (url: string, role: StoreRole): StoreRoot =>
    openLimited(url, limits, retryCounts.open(role));
  const first = open(storeUrl, 'store');
  if (settings.storeCopy === undefined) return { root: first, replication: undefined };
  const copy = open(settings.storeCopy, 'copy');
  const isRoot = (name: string): boolean => name.startsWith(manifestName(''));
  const isPassing = (name: string): boolean => name.startsWith('leases/');
  const rules = { isRoot, isPassing };
  const root = new ReplicatedRoot({ first, copy, folder, ...rules, sleep, onProblem });
  // What an earlier process had not copied yet; a store that is away now is met again when used.
  root.resume('repository.json').catch(onProblem);
  return { root, replication: root };
}

function openLimited(url: string, limits: Limits, onRetry: (error: unknown) => void): StoreRoot {
  const root = openStoreRoot(url);
  const isFar = !root.url.startsWith('file:');
  return wrapRoot(root, (store) => {
    const limited = new LimitedStore(store, limits);
    return isFar ? new RetryingStore(limited, { ...retries, onRetry }) : limited;
  });
}

function paceOf(megabytesPerSecond: number | undefined): Pace | undefined {
  if (megabytesPerSecond === undefined) return undefined;
  return new Pace({ bytesPerSecond: megabytesPerSecond * MB, now: monotonicMs, sleep });
}
