import type { Exports } from '../nbd/exports.ts';
import type { NbdEvent } from '../nbd/connection.ts';
import type { NbdTls } from '../nbd/tls.ts';
import type { VolumeEngine } from '../volume/engine.ts';
import type { BackingSource } from '../volume/hydration.ts';

/**
 * The way of the data: the volumes of a folder, and the NBD server in front of them. It knows
 * nothing of catalogue, users or HTTP, and runs in a thread of its own, so that neither waits for
 * the other.
 */
export interface DataPlane {
  readonly engine: VolumeEngine;
  readonly exports: Exports;
  /** Listens on TCP; port 0 takes a free one. Rejects with the system's error (`EADDRINUSE`). */
  listenTcp(host: string, port: number): Promise<{ port: number }>;
  /** Listens on a unix socket of mode 0600; a stale socket file is replaced, a live one refused. */
  listenUnix(path: string): Promise<void>;
  /** Later connections show these certificates; those that are open go on. */
  renewTls(tls: NbdTls): Promise<void>;
  /** Ends all connections in order: requests under way are answered. */
  stopServing(): Promise<void>;
  /** Stops serving, flushes and closes the volumes. */
  close(): Promise<void>;
}

export interface DataPlaneOptions {
  /** The folder of volumes and layers. */
  readonly folder: string;
  readonly tls?: NbdTls | undefined;
}

/** What a data plane tells of itself. */
export interface DataPlaneEvents {
  onNbd(event: NbdEvent): void;
  /** Background work has failed; nothing is lost, and it is tried again. */
  onFault(error: unknown): void;
  /** Where volumes that are restored while they are in use get their bytes from. */
  readonly backups?: BackingSource | undefined;
}
