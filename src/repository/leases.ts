/**
 * Who is at work in a repository, in this process and in others, by the leases in its store.
 *
 * - **write**: one for each running writer, taken before it looks at anything it relies on.
 * - **read**: one for each reader, so that a backup that is deleted meanwhile is read to its end.
 * - **prune**: the turn to remove packs; one holds it at a time.
 */
import { sleep } from '../store/retry.ts';
import { monotonicMs } from '../base/clock.ts';
import { isOperatingError, isRefusal, OperatingError } from '../base/errors.ts';
import { isJsonObject, type JsonValue } from '../base/json.ts';
import { isProcessGone, type ProcessIdentity, processIdentity } from '../base/process-identity.ts';
import type { Store } from '../store/store.ts';
import { getBounded } from './bounded-get.ts';
import type { RepositoryKeys } from './keys.ts';
import {
  Lease,
  type LeaseKind,
  type LeaseTimes,
  leaseTimesDefault,
  parseLeaseName,
} from './lease.ts';
import type { MapRoot } from './map.ts';
import { objectLabel, seal, sealBytes, unseal } from './seal.ts';

const contentBytesMax = 4096;
/** When it makes sense to ask for a turn again that another process has. */
const turnPauseSeconds = 15;

/** A lease of another process that is at work. */
export interface SeenLease {
  readonly leaseId: string;
  readonly kind: LeaseKind;
  /** Undefined when the object cannot be read. */
  readonly owner: ProcessIdentity | undefined;
  /** Maps that its owner relies on. */
  readonly roots: readonly MapRoot[];
}

interface Watched extends SeenLease {
  count: number;
  sinceMs: number;
}

export interface LeaseOptions {
  /** Who takes them: this process by default. */
  readonly owner?: ProcessIdentity;
  readonly times?: LeaseTimes;
  /** Whether the owner of a lease has surely ended; by default as the operating system says. */
  readonly isGone?: (owner: ProcessIdentity) => boolean;
}

export class Leases {
  readonly #store: Store;
  readonly #keys: RepositoryKeys | undefined;
  readonly #times: LeaseTimes;
  readonly #isGone: (owner: ProcessIdentity) => boolean;
  readonly #owner: ProcessIdentity;
  readonly #own = new Map<string, Lease>();
  /** Own ones that were given up, and that the store did not let go. */
  readonly #left = new Set<string>();
  /** Leases of others, and since when each has its count. */
  readonly #watched = new Map<string, Watched>();

  /** `keys`: undefined while the repository has none. */
  constructor(store: Store, keys: RepositoryKeys | undefined, options: LeaseOptions = {}) {
    this.#store = store;
    this.#keys = keys;
    this.#times = options.times ?? leaseTimesDefault;
    this.#isGone = options.isGone ?? isProcessGone;
    this.#owner = options.owner ?? processIdentity();
  }

  /** How often an owner renews its leases. */
  get renewMs(): number {
    return this.#times.renewMs;
  }

  async take(kind: LeaseKind, roots: readonly MapRoot[] = []): Promise<Lease> {
    const content = { owner: this.#owner, roots: roots.map(rootJson) };
    const lease: Lease = new Lease(kind, {
      store: this.#store,
      times: this.#times,
      contentOf: (name) => this.#encode(name, content),
      onEnd: (isRemoved) => {
        this.#own.delete(lease.leaseId);
        if (!isRemoved) this.#left.add(lease.leaseId);
      },
    });
    this.#own.set(lease.leaseId, lease);
    await lease.begin();
    return lease;
  }

  /**
   * A lease that nobody else has of its kind at the same time. Rejects with `conflict` when another
   * process has one; two that try at once may both be refused, and try again later.
   */
  async takeTurn(kind: 'prune' | 'create', signal?: AbortSignal): Promise<Lease> {
    const lease = await this.take(kind);
    try {
      // Who comes second sees the first; with both put before either looks, both see the other.
      // A repository is made once, and its header is put where the name is free: no more is needed.
      const lagMs = kind === 'create' ? 0 : (this.#store.listingLagMs ?? 0);
      await sleep(2 * lagMs, signal);
      const other = (await this.others()).find((seen) => seen.kind === kind);
      if (other === undefined) return lease;
      const message = `${describeOwner(other)} is at the same work just now`;
      throw new OperatingError('conflict', message, { retryAfterSeconds: turnPauseSeconds });
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  /**
   * The leases of others that are at work. Those that were left behind are removed, where the store
   * lets them be.
   */
  async others(): Promise<SeenLease[]> {
    // Their age is that at the listing: what takes its time afterwards makes none older.
    const listedMs = monotonicMs();
    const found = await this.#listed();
    for (const leaseId of this.#watched.keys()) {
      if (!found.has(leaseId)) this.#watched.delete(leaseId);
    }
    const fresh: SeenLease[] = [];
    for (const [leaseId, { kind, names, count }] of found) {
      if (!this.#left.has(leaseId)) {
        const lease = await this.#watch(leaseId, kind, count);
        if (lease === undefined) continue;
        const isExpired = listedMs - lease.sinceMs >= this.#times.expireMs;
        if (!isExpired && !(lease.owner !== undefined && this.#isGone(lease.owner))) {
          fresh.push(lease);
          continue;
        }
      }
      await this.#removeLeft(leaseId, names);
    }
    return fresh;
  }

  /** True while somebody writes, in this process or another. */
  async isWriting(): Promise<boolean> {
    const kinds = [...this.#own.keys()].map(
      (leaseId) => parseLeaseName(`leases/${leaseId}.0`)?.kind,
    );
    return kinds.includes('write') || (await this.others()).some(({ kind }) => kind === 'write');
  }

  /** One that the store does not let go stays, and is known for what it is. */
  async #removeLeft(leaseId: string, names: readonly string[]): Promise<void> {
    try {
      for (const name of names) await this.#store.remove(name);
      this.#watched.delete(leaseId);
      this.#left.delete(leaseId);
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  }

  /** Gives up what is still held. */
  async close(): Promise<void> {
    for (const lease of this.#own.values()) await lease.release();
  }

  async #listed(): Promise<Map<string, { kind: LeaseKind; names: string[]; count: number }>> {
    const found = new Map<string, { kind: LeaseKind; names: string[]; count: number }>();
    for await (const { name } of this.#store.list('leases/', { isSizeNeeded: () => false })) {
      const parsed = parseLeaseName(name);
      if (parsed === undefined || this.#own.has(parsed.leaseId)) continue;
      const { leaseId, kind, count } = parsed;
      const known = found.get(leaseId);
      if (known === undefined) found.set(leaseId, { kind, names: [name], count });
      else {
        known.names.push(name);
        known.count = Math.max(known.count, count);
      }
    }
    return found;
  }

  /** Undefined when the lease was given up since it was listed. */
  async #watch(leaseId: string, kind: LeaseKind, count: number): Promise<Watched | undefined> {
    const known = this.#watched.get(leaseId);
    if (known !== undefined) {
      if (known.count === count) return known;
      known.count = count;
      known.sinceMs = monotonicMs();
      return known;
    }
    const sinceMs = monotonicMs();
    for (let at = count, misses = 0; misses < 2; at += 1, misses += 1) {
      try {
        const content = await this.#read(`leases/${leaseId}.${at}`);
        const watched = { leaseId, kind, count: at, sinceMs, ...content };
        this.#watched.set(leaseId, watched);
        return watched;
      } catch (error) {
        // Renewed since it was listed, or given up.
        if (!isOperatingError(error, 'not_found')) throw error;
      }
    }
    return undefined;
  }

  async #read(name: string): Promise<Pick<SeenLease, 'owner' | 'roots'>> {
    try {
      const bytes = await getBounded(this.#store, name, contentBytesMax + sealBytes);
      const content = JSON.parse(this.#decode(name, bytes).toString());
      return decodeContent(content);
    } catch (error) {
      if (isOperatingError(error) && error.code !== 'corrupt') throw error;
      // Nobody who can be named: it counts until it expires.
      return { owner: undefined, roots: [] };
    }
  }

  #encode(name: string, content: unknown): Uint8Array {
    const plain = Buffer.from(JSON.stringify(content));
    if (this.#keys === undefined) return plain;
    return seal(this.#keys.objectKey('lease'), objectLabel('lease', name), plain);
  }

  #decode(name: string, bytes: Uint8Array): Buffer {
    if (this.#keys === undefined) return Buffer.from(bytes);
    const options = { subject: name, plainBytesMax: contentBytesMax };
    return unseal(this.#keys.objectKey('lease'), objectLabel('lease', name), bytes, options);
  }
}

/** Whose lease it is, for people. */
export function describeOwner({ owner }: SeenLease): string {
  if (owner === undefined) return 'another process';
  return `the process ${owner.pid} on ${owner.host}`;
}

function rootJson({ rootId, depth }: MapRoot): { rootId: string; depth: number } {
  return { rootId: Buffer.from(rootId).toString('hex'), depth };
}

function decodeContent(content: JsonValue): Pick<SeenLease, 'owner' | 'roots'> {
  if (!isJsonObject(content)) return { owner: undefined, roots: [] };
  const { owner, roots } = content;
  return {
    owner: owner === undefined ? undefined : decodeOwner(owner),
    roots: Array.isArray(roots) ? roots.flatMap(decodeRoot) : [],
  };
}

function decodeOwner(value: JsonValue): ProcessIdentity | undefined {
  if (!isJsonObject(value)) return undefined;
  const { host, machine, pid, started } = value;
  if (typeof host !== 'string' || typeof machine !== 'string') return undefined;
  if (typeof pid !== 'number' || typeof started !== 'string') return undefined;
  return { host, machine, pid, started };
}

function decodeRoot(value: JsonValue): MapRoot[] {
  if (!isJsonObject(value)) return [];
  const { rootId, depth } = value;
  if (typeof rootId !== 'string' || !/^[0-9a-f]{64}$/.test(rootId)) return [];
  if (typeof depth !== 'number' || !Number.isInteger(depth) || depth < 1 || depth > 8) return [];
  return [{ rootId: Buffer.from(rootId, 'hex'), depth }];
}
