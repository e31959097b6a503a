import type { Clock } from '../base/clock.ts';
import type { LeaseOptions } from './leases.ts';
import type { Manifest } from './manifest.ts';
import type { WorkPool } from './work-pool.ts';
import type { KeySecret } from './wrapped-keys.ts';

export type OpenOptions = KeySecret & OpenSettings;

interface OpenSettings {
  /** Threads, as many as cores by default; or threads that other repositories use as well. */
  readonly workers?: number | WorkPool;
  /** The size at which a pack is closed, 16 MiB by default. */
  readonly packBytes?: number;
  /** An index is written when so many packs are named by none, 16 by default. */
  readonly packsPerIndex?: number;
  readonly clock?: Clock;
  /** A local folder for copies of what is read often; nothing is lost with it. */
  readonly cacheFolder?: string | undefined;
  readonly leases?: LeaseOptions;
  /** Called when a reader or writer has ended that kept a prune from what deleted backups took. */
  readonly onOutlived?: (() => void) | undefined;
}

export interface OpenWriterOptions {
  readonly lengthBytes: number;
  /** The backup whose map this one starts from; not longer than the volume. */
  readonly parent?: Manifest;
  /** A local file that lets the same work go on after a crash; the caller removes it at the end. */
  readonly resumePath?: string;
  readonly signal?: AbortSignal;
}
