/** What operations are made of. Each verb takes only the part that it needs. */
import type { KeptBackups } from '../backup/backing-source.ts';
import type { HydrationProgress as Progress, Hydrator } from '../backup/hydrator.ts';
import type { Repositories } from '../backup/repositories.ts';
import type { HostSpace } from '../base/host-space.ts';
import type { Clock } from '../base/clock.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { JobQueue } from '../job/job.ts';
import type { Exports } from '../nbd/exports.ts';
import type { VolumeEngine } from '../volume/engine.ts';
import type { AdoptionFolder } from './disk/adoption-folder.ts';
import type { ImageFiles } from './image/image-files.ts';

export interface OperationNeeds {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly jobs: JobQueue;
  readonly engine: VolumeEngine;
  readonly exports: Exports;
  readonly repositories: Repositories;
  /** What of them stays in the store while somebody reads it. */
  readonly keptBackups: KeptBackups;
  /** The data of images. */
  readonly images: ImageFiles;
  /** The folder whose files can become volumes, if there is one. */
  readonly adoption: AdoptionFolder | undefined;
  /** Fills volumes that show a backup at once. */
  readonly hydrator: Hydrator;
  /** Where NBD clients find the exports. */
  readonly nbd: NbdAddress;
  /** The room on the filesystem that the volumes are on. */
  hostSpace(): Promise<HostSpace>;
  /** A folder on this machine, in which a backup keeps its journal while it runs. */
  readonly journalFolder: string;
}

/** How far a volume is that shows a backup at once. */
export type HydrationProgress = Progress;

export interface NbdAddress {
  readonly host: string;
  readonly port: number;
  readonly socketPath: string;
  /** Whether TLS is required on TCP; the unix socket is always in clear. */
  readonly tls: boolean;
}

export type Reading = Pick<OperationNeeds, 'catalog'>;
export type Changing = Pick<OperationNeeds, 'catalog' | 'clock'>;
export type Starting = Pick<OperationNeeds, 'catalog' | 'clock' | 'jobs'>;
