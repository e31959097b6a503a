import { assert } from '../base/assert.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import { stringBytesMax } from './wire.ts';

/** Where a backup is, for whoever can read it. */
export interface BackupPlace {
  readonly container: string;
  readonly backupId: string;
  readonly rootId: string;
  readonly depth: number;
  readonly lengthBytes: number;
}

/** What a name stands for. */
export interface ExportOf {
  readonly source:
    | { readonly volumeId: string }
    | { readonly snapshotId: string }
    | { readonly backup: BackupPlace };
  readonly readOnly: boolean;
  /** Of a volume: this stretch alone; all of it by default. */
  readonly range?: { readonly offsetBytes: number; readonly lengthBytes: number };
  /** Of the request that handed the name out; its connections are logged under it. */
  readonly requestId?: string | undefined;
}

/** Requests or bytes a second; what is not there has no limit. */
export interface PerformanceLimits {
  readonly totalIopsSec?: number;
  readonly readIopsSec?: number;
  readonly writeIopsSec?: number;
  readonly totalBytesSec?: number;
  readonly readBytesSec?: number;
  readonly writeBytesSec?: number;
}

/** The clients of an export, as far as this process has seen them; times in ms since 1970. */
export interface ExportClients {
  /** Connections just now. */
  readonly count: number;
  /** Since when there has been a connection all the time; undefined when there is none. */
  readonly connectedSinceMs: number | undefined;
  /** When a connection ended last; undefined when none has. */
  readonly disconnectedAtMs: number | undefined;
}

/** The exports of an NBD server, for whoever hands them out. */
export interface Exports {
  /** From now on `name` opens that; a name that is there already is left as it is. */
  add(name: string, what: ExportOf): Promise<void>;
  /**
   * The name dies and its connections are cut; resolves when all their devices are closed. One that
   * is not there is no error.
   */
  remove(name: string): Promise<void>;
  /** From now on the volume's exports together keep within these limits, and no others. */
  limit(volumeId: string, limits: PerformanceLimits): Promise<void>;
  /** Who uses each of these names, in the same order. */
  clients(names: readonly string[]): Promise<ExportClients[]>;
}

/** Something that can be served under a name. */
export interface Export {
  readonly readOnly: boolean;
  /** Its connections are logged under it. */
  readonly requestId?: string | undefined;
  /** Called once for each connection that chooses the export; the connection closes the device. */
  open(): Promise<BlockDevice>;
}

/** A connection's hold on an export; `release` ends it. */
export interface Claim {
  readonly entry: Export;
  release(): void;
}

/** Ends a connection at once; resolves when its device is closed. */
export type Cut = () => Promise<void>;

interface Slot {
  readonly entry: Export;
  readonly cuts: Set<Cut>;
  connectedSinceMs: number | undefined;
  disconnectedAtMs: number | undefined;
}

/** The shortest name that can hold 128 random bits in base64. */
const nameBytesMin = 22;

/**
 * The exports of a server by name. A name is a secret of at least 128 random bits: whoever knows it
 * may use the export, so nothing lists names and no log carries one.
 */
export class ExportRegistry {
  readonly #slots = new Map<string, Slot>();
  readonly #clock: Clock;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** From now on `name` can be chosen. A name is never given twice at the same time. */
  add(name: string, entry: Export): void {
    const bytes = Buffer.byteLength(name);
    assert(bytes >= nameBytesMin && bytes <= stringBytesMax, 'an export name is a long secret');
    assert(!this.#slots.has(name), 'an export name is new');
    const times = { connectedSinceMs: undefined, disconnectedAtMs: undefined };
    this.#slots.set(name, { entry, cuts: new Set(), ...times });
  }

  has(name: string): boolean {
    return this.#slots.has(name);
  }

  /** The name dies and its connections are cut; resolves when all their devices are closed. */
  async remove(name: string): Promise<void> {
    const slot = this.#slots.get(name);
    if (slot === undefined) return;
    this.#slots.delete(name);
    await Promise.all([...slot.cuts].map((cut) => cut()));
  }

  /** How many connections have chosen `name`. */
  connections(name: string): number {
    return this.#slots.get(name)?.cuts.size ?? 0;
  }

  /** The connections that have chosen `name`, and since when. */
  clients(name: string): ExportClients {
    const slot = this.#slots.get(name);
    return {
      count: slot?.cuts.size ?? 0,
      connectedSinceMs: slot?.connectedSinceMs,
      disconnectedAtMs: slot?.disconnectedAtMs,
    };
  }

  /** Holds an export for a connection; `cut` is called when the export is removed meanwhile. */
  claim(name: string, cut: Cut): Claim | undefined {
    const slot = this.#slots.get(name);
    if (slot === undefined) return undefined;
    if (slot.cuts.size === 0) slot.connectedSinceMs = this.#clock.now();
    slot.cuts.add(cut);
    return {
      entry: slot.entry,
      release: () => {
        if (!slot.cuts.delete(cut)) return;
        slot.disconnectedAtMs = this.#clock.now();
        if (slot.cuts.size === 0) slot.connectedSinceMs = undefined;
      },
    };
  }
}
