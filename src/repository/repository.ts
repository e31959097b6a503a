/**
 * Firn's backups inside one container of a store: see `docs/formats/repository.md`.
 *
 * Everything in it is written once under a name that does not collide. A backup is there when its
 * manifest is there, and depends on no other backup. Several processes may write to a repository
 * and prune it at the same time: see `leases.ts` and `prune-lists.ts`.
 */
import { assert, must } from '../base/assert.ts';
import { addClaim, BackupClaims, dropClaim, forgetClaims } from './claims.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import { type BackupEntry, BackupList } from './backup-list.ts';
import { volumeBytesMax } from './block.ts';
import type { BlockSource } from './fetch.ts';
import { CacheFile } from './cache-file.ts';
import { readHeader, writeHeader } from './header.ts';
import { healBlocks } from './heal.ts';
import type { CopyReader } from './heal-node.ts';
import { Holds } from './holds.ts';
import { indexIdOf } from './index-format.ts';
import { IndexKeeper } from './index-keeper.ts';
import { Journal } from './journal.ts';
import { recordsThatHold } from './journal-records.ts';
import { describeOwner, Leases } from './leases.ts';
import { type DamagedManifest, readManifest } from './manifests.ts';
import { backupIdOf, type Manifest, manifestName, sealManifest } from './manifest.ts';
import type { MapRoot } from './map.ts';
import { findDamaged, mendObjects } from './mend.ts';
import { NodeDifferences } from './node-differences.ts';
import { NodeReader } from './nodes.ts';
import type { OpenOptions, OpenWriterOptions } from './open-options.ts';
import { PatchBases } from './patch-bases.ts';
import { PackBuffers } from './pack-buffers.ts';
import { packBytesTarget } from './pack-format.ts';
import { executePrune, type PruneOutcome } from './prune.ts';
import { planPrune, type PruneParts, type PrunePlan } from './prune-plan.ts';
import { type Reached, reachOf } from './reach.ts';
import { BackupReader, type ByteSpan } from './reader.ts';
import { type ReaderHold, ReaderLeases } from './reader-leases.ts';
import { type Slot, SlotPool } from './slot.ts';
import { type BackupSpace, measureSpace, measureTogether } from './space.ts';
import { findUndescribed } from './undescribed.ts';
import { verifyBackups, type VerifyOptions } from './verify.ts';
import type { VerifyDepth, VerifyReport } from './verify-report.ts';
import { WorkPool } from './work-pool.ts';
import {
  addPassphrase,
  addWrappingKey,
  type KeySecret,
  listWrappedKeys,
  removeWrappedKey,
  renewLostKeys,
  type WrappedKey,
} from './wrapped-keys.ts';
import { renewIndexes } from './renew-indexes.ts';
import { packsPerIndexDefault } from './write-indexes.ts';
import { BackupWriter } from './writer.ts';

/** Makes an empty repository. Rejects with `exists` when the container holds one. */
export async function createRepository(
  store: Store,
  { wrappingKey, clock = systemClock }: { wrappingKey: Uint8Array; clock?: Clock },
): Promise<void> {
  await writeHeader(store, { wrappingKey, clock });
}

interface RepositoryParts {
  readonly keeper: IndexKeeper;
  readonly leases: Leases;
  readonly clock: Clock;
  /** Whether the threads are this repository's own. */
  readonly ownsPool: boolean;
  readonly cacheFolder: string | undefined;
  readonly wrappingKey: Uint8Array | undefined;
  readonly onOutlived: (() => void) | undefined;
}

/**
 * Opens the repository in a container; closing it closes the store. Rejects with `not_found`,
 * `wrong_key` or `corrupt`.
 */
export async function openRepository(store: Store, options: OpenOptions): Promise<Repository> {
  const { workers, packBytes = packBytesTarget, clock = systemClock } = options;
  const { packsPerIndex = packsPerIndexDefault, cacheFolder, onOutlived } = options;
  assert(packBytes > 0 && packBytes <= packBytesTarget, 'packs stay below their limit');
  const keys = await readHeader(store, options, cacheFolder);
  const keeper = new IndexKeeper(store, keys);
  await keeper.refresh();
  const shared = workers instanceof WorkPool;
  const pool = shared ? workers : new WorkPool(workers);
  const packBuffers = new PackBuffers(packBytes);
  const { index } = keeper;
  const refresh = (): Promise<boolean> => keeper.refreshAfterMiss();
  const source = { store, keys, index, pool, packBytes, packBuffers, packsPerIndex, refresh };
  const leases = new Leases(store, keys, options.leases);
  const wrappingKey = 'wrappingKey' in options ? options.wrappingKey : undefined;
  const parts = { keeper, leases, clock, ownsPool: !shared, cacheFolder, wrappingKey, onOutlived };
  return new Repository(source, parts);
}

export class Repository {
  readonly id: string;
  readonly claims: BackupClaims;
  readonly #source: BlockSource;
  readonly #clock: Clock;
  readonly #ownsPool: boolean;
  readonly #nodes: NodeReader;
  readonly #bases: PatchBases;
  readonly #holds: Holds;
  readonly #keeper: IndexKeeper;
  readonly #leases: Leases;
  readonly #backups: BackupList;
  readonly #slotCount: number;
  readonly #writerSlots: SlotPool;
  readonly #readerSlots: SlotPool;
  readonly #readers: ReaderLeases;
  readonly #differences: NodeDifferences;
  #pruning: Promise<unknown> = Promise.resolve();
  #space: { version: number; measured: Promise<ReadonlyMap<string, BackupSpace>> } | undefined;
  #verifying: Promise<unknown> = Promise.resolve();
  /** The manifests that this process has removed: none of them is to come back. */
  readonly #deleted = new Set<string>();
  readonly #wrappingKey: Uint8Array | undefined;

  constructor(source: BlockSource, parts: RepositoryParts) {
    const { keeper, leases, clock, ownsPool, cacheFolder, wrappingKey } = parts;
    this.#wrappingKey = wrappingKey;
    this.id = source.keys.repositoryId;
    this.claims = new BackupClaims(source.store);
    this.#source = source;
    this.#clock = clock;
    this.#ownsPool = ownsPool;
    this.#nodes = new NodeReader(source);
    this.#backups = new BackupList(source.store, source.keys, cacheFolder);
    const differences = new CacheFile(cacheFolder, source.keys, 'differences 1');
    this.#differences = new NodeDifferences(differences);
    this.#bases = new PatchBases(source);
    this.#holds = new Holds(source.index, parts.onOutlived);
    this.#keeper = keeper;
    this.#leases = leases;
    this.#readers = new ReaderLeases(leases);
    // Two for each thread keep it busy; the rest are being read or stored meanwhile.
    this.#slotCount = source.pool.size * 2 + 4;
    const idle: Slot[] = [];
    this.#writerSlots = new SlotPool(this.#slotCount, idle);
    this.#readerSlots = new SlotPool(this.#slotCount, idle);
  }

  /** Every backup, in no promised order. A damaged manifest is reported and hides no other. */
  listBackups(signal?: AbortSignal): AsyncIterable<Manifest | DamagedManifest> {
    return this.#backups.list(signal);
  }

  /**
   * From what the backups were made, by backup ids. Costs a listing once; what another process adds
   * or removes later is not seen.
   */
  backupEntries(): Promise<ReadonlyMap<string, BackupEntry>> {
    return this.#backups.entries();
  }

  /** Rejects with `not_found` or `corrupt`. */
  async readManifest(backupId: string): Promise<Manifest> {
    const manifest = await readManifest(this.#source.store, this.#source.keys, backupId);
    this.#backups.add(manifest);
    return manifest;
  }

  /** The manifest, or undefined when there is no such backup. Rejects with `corrupt`. */
  async findManifest(backupId: string): Promise<Manifest | undefined> {
    try {
      return await this.readManifest(backupId);
    } catch (error) {
      if (isOperatingError(error, 'not_found')) return undefined;
      throw error;
    }
  }

  /**
   * Begins a backup, or goes on with the one that `resumePath` remembers. Rejects with `not_found`
   * when the parent was deleted.
   */
  async openWriter(options: OpenWriterOptions): Promise<BackupWriter> {
    const { lengthBytes, resumePath, signal } = options;
    if (lengthBytes > volumeBytesMax || (options.parent?.lengthBytes ?? 0) > lengthBytes) {
      throw new OperatingError('invalid_input', 'a volume is at most 1 PiB, and does not shrink');
    }
    const parent = options.parent === undefined ? undefined : this.#rootOf(options.parent);
    const lease = await this.#leases.take('write', parent === undefined ? [] : [parent]);
    const release = this.#holds.take(parent, { writes: true });
    let journal: Journal | undefined;
    try {
      // The lease first: whoever condemns packs that are not seen here waits for it.
      await this.#keeper.noticePrunes(signal);
      // Held first, looked for second: a parent that is there now stays readable.
      if (options.parent !== undefined) await this.readManifest(options.parent.backupId);
      const purpose = `${this.id} ${lengthBytes} ${options.parent?.map.rootId ?? 'full'}`;
      journal = resumePath === undefined ? undefined : await Journal.open(resumePath, purpose);
      const parts = { source: this.#source, nodes: this.#nodes };
      return new BackupWriter({
        source: this.#source,
        nodes: this.#nodes,
        bases: this.#bases,
        slots: this.#writerSlots,
        clock: this.#clock,
        lengthBytes,
        parent,
        journal,
        done: await recordsThatHold(parts, journal?.records ?? [], signal),
        signal,
        lease,
        onEnd: async (made) => {
          if (made !== undefined) {
            this.#holds.noteCommitted(this.#rootOf(made));
            this.#backups.keep(made);
          }
          release();
          await lease.release();
        },
      });
    } catch (error) {
      release();
      await lease.release();
      await journal?.close();
      throw error;
    }
  }

  /**
   * Opens a backup for reading; prune leaves it alone until the reader is closed. With `copy` it
   * reads that copy of the objects and no other.
   */
  async openReader(manifest: Manifest, { copy }: { copy?: number } = {}): Promise<BackupReader> {
    const root = this.#rootOf(manifest);
    if (copy === undefined) return this.openMap(root, manifest.lengthBytes);
    const source = this.#copyOf(copy);
    return this.#reader(source, new NodeReader(source), root, manifest.lengthBytes);
  }

  /**
   * Opens the map of a backup, which may be deleted; at once, without a look into the store. Prune
   * leaves all that it refers to alone until the reader is closed.
   */
  openMap(root: MapRoot, lengthBytes: number): BackupReader {
    return this.#reader(this.#source, this.#nodes, root, lengthBytes);
  }

  #reader(
    source: BlockSource,
    nodes: NodeReader,
    root: MapRoot,
    lengthBytes: number,
  ): BackupReader {
    return new BackupReader({
      source,
      nodes,
      slots: this.#readerSlots,
      slotCount: this.#slotCount,
      root,
      lengthBytes,
      hold: this.#holdForReader(root),
    });
  }

  /**
   * Checks the backup with an id, or `all`. `objects`: the maps open and each block is in a pack
   * that is there; `blocks`: each block opens and has its id. Damage is reported, not thrown.
   * Several may run at once, but for those of `all`, which wait for each other.
   */
  async verify(
    which: string,
    depth: VerifyDepth,
    options: VerifyOptions = {},
  ): Promise<VerifyReport> {
    const slots = this.#readerSlots;
    const hold = (manifest: Manifest): (() => void) =>
      this.#holds.take(this.#rootOf(manifest), { writes: false });
    const source = this.#copyOf(options.copy ?? 0);
    const nodes = new NodeReader(source);
    const [keeper, whole] = [this.#keeper, this.#source.store];
    const findUndescribed = () => this.findUndescribed(options.signal);
    const rest = { slots, slotCount: this.#slotCount, hold, findUndescribed };
    const parts = { source, whole, nodes, keeper, ...rest };
    const run = (): Promise<VerifyReport> => verifyBackups(parts, which, depth, options);
    if (which !== 'all') return run();
    const work = this.#verifying.then(run, run);
    this.#verifying = work;
    return work;
  }

  /** What is wrong where blocks are stored and all manifests are gone; else undefined. */
  findUndescribed(signal?: AbortSignal): Promise<OperatingError | undefined> {
    const parts = { keeper: this.#keeper, leases: this.#leases };
    return findUndescribed(this.#source.store, parts, signal);
  }

  /**
   * Removes a backup for the record it was made for, or for an imported one. False when another
   * record still stands for it. Its space is given back by prune. One that is gone is no error.
   */
  async deleteBackup(backupId: string, claimId?: string): Promise<boolean> {
    const { store } = this.#source;
    if (!(await dropClaim(store, backupId, claimId))) return false;
    this.#deleted.add(manifestName(backupId));
    await store.remove(manifestName(backupId));
    this.#backups.remove(backupId);
    await forgetClaims(store, backupId);
    return true;
  }

  /** Keeps a backup for an imported record until `deleteBackup` is called for that record. */
  async claimBackup(backupId: string, claimId: string): Promise<Manifest> {
    await addClaim(this.#source.store, backupId, claimId);
    try {
      // Claimed first, looked for second: one that is there now stays.
      return await this.readManifest(backupId);
    } catch (error) {
      await dropClaim(this.#source.store, backupId, claimId);
      throw error;
    }
  }

  /** Finds what no backup refers to. Rejects with `corrupt` when that cannot be known. */
  async planPrune(options: { signal?: AbortSignal } = {}): Promise<PrunePlan> {
    return this.#exclusively(() => planPrune(this.#pruneParts(options.signal), options.signal));
  }

  /**
   * Gives back what a plan found, but for what a writer relied on since. Rejects with `conflict`
   * when the plan is too old to be trusted. A crash at any step loses nothing and is harmless.
   */
  async executePrune(
    plan: PrunePlan,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<PruneOutcome> {
    return this.#exclusively(() => executePrune(this.#pruneParts(signal), plan, signal));
  }

  /** How much each backup needs alone and shares; measured once until backups come or go here. */
  async space(signal?: AbortSignal): Promise<ReadonlyMap<string, BackupSpace>> {
    const { version } = this.#backups;
    if (this.#space?.version === version) return this.#space.measured;
    const list = () => this.#backups.list(signal);
    const measured = this.#exclusively(() => measureSpace(this.#source, this.#bases, list, signal));
    this.#space = { version, measured };
    // What failed is measured again.
    measured.catch(() => (this.#space = undefined));
    return await measured;
  }

  /** What the store gives back when all of these backups are gone, in bytes of blocks. */
  async spaceOf(backupIds: ReadonlySet<string>, signal?: AbortSignal): Promise<number> {
    const list = () => this.#backups.list(signal);
    return this.#exclusively(() =>
      measureTogether(this.#source, this.#bases, list, { backupIds, signal }),
    );
  }

  /** Who else works here, for people; also who was killed elsewhere within two minutes. */
  async atWork(): Promise<string[]> {
    return [...new Set((await this.#leases.others()).map(describeOwner))];
  }

  /** The keys that open this repository. */
  listKeys(): Promise<WrappedKey[]> {
    return listWrappedKeys(this.#source.store, this.id);
  }

  /** Lets another key open it; returns its id. A weak passphrase rejects with `invalid_input`. */
  addKey(secret: KeySecret): Promise<string> {
    const { store, keys } = this.#source;
    if ('passphrase' in secret) return addPassphrase(store, keys, secret.passphrase);
    return addWrappingKey(store, keys, secret.wrappingKey);
  }

  /** Rejects with `not_found`, and with `conflict` for the last key. */
  removeKey(keyId: string): Promise<void> {
    return removeWrappedKey(this.#source.store, this.id, keyId);
  }

  /**
   * Stores anew what is damaged in `ranges` of a backup, in whole blocks, where one of `copies` has
   * the same bytes; answers how many blocks or nodes that was, at most 1,024. `copy` is the one
   * that was found damaged, where the store has several.
   */
  async heal(
    manifest: Manifest,
    ranges: readonly ByteSpan[],
    copies: readonly CopyReader[],
    { copy = 0, signal }: { copy?: number; signal?: AbortSignal } = {},
  ): Promise<number> {
    const backup = { root: this.#rootOf(manifest), lengthBytes: manifest.lengthBytes };
    const source = this.#source;
    const exact = new NodeReader(this.#copyOf(copy));
    const nodes = new NodeReader(source);
    const parts = { source, exact, nodes, leases: this.#leases, keeper: this.#keeper };
    return this.#exclusively(() => healBlocks(parts, backup, ranges, copies, signal));
  }

  /**
   * Makes damaged and lost objects whole again, as they were, from another copy in the store, and a
   * manifest also from the local copy of it; answers which have been.
   */
  async mend(names: Iterable<string>, signal?: AbortSignal): Promise<string[]> {
    const { store, keys } = this.#source;
    const remake = async (name: string): Promise<Uint8Array | undefined> => {
      const manifest = await this.#backups.localCopy(backupIdOf(name) ?? '');
      return manifest === undefined ? undefined : sealManifest(keys, manifest);
    };
    const isWanted = (name: string): boolean => !this.#deleted.has(name);
    const parts = { keys, wrappingKey: this.#wrappingKey };
    const options = { signal, remake, isWanted };
    return this.#exclusively(() => mendObjects(store, parts, names, options));
  }

  /**
   * Reads every object that is not one backup's own (what the repository says of itself, its keys
   * and its indexes) in every copy, and makes good what is damaged; answers what was, and what of
   * it still is.
   */
  async mendCommon(
    options: { signal?: AbortSignal; pace?: (bytes: number) => Promise<void> } = {},
  ): Promise<{ mended: string[]; damaged: string[] }> {
    const parts = { keys: this.#source.keys, wrappingKey: this.#wrappingKey };
    const bad = await findDamaged(this.#source.store, parts, options);
    const mended = await this.mend(bad, options.signal);
    mended.push(...(await renewLostKeys(this.#source.store, parts)));
    const left = bad.filter((name) => !mended.includes(name));
    const lost = left.flatMap((name) => indexIdOf(name) ?? []);
    const renewed = await this.#exclusively(() => renewIndexes(this.#source, lost));
    const damaged = left.filter((name) => !renewed.includes(name));
    return { mended: [...mended, ...renewed], damaged };
  }

  /** Every backup that holds what is damaged in `ranges` of one, and where in each. */
  reachOf(
    manifest: Manifest,
    ranges: readonly ByteSpan[],
    signal?: AbortSignal,
  ): Promise<Reached[]> {
    const damage = { root: this.#rootOf(manifest), ranges };
    return reachOf(new NodeReader(this.#source), damage, this.#backups.list(signal), signal);
  }

  /** How many copies of each object the store is to have. */
  get copyCount(): number {
    return this.#source.store.copies?.length ?? 1;
  }

  async close(): Promise<void> {
    await this.#backups.close();
    await this.#readers.close();
    await this.#leases.close();
    if (this.#ownsPool) await this.#source.pool.close();
    await this.#source.store.close();
  }

  #pruneParts(signal?: AbortSignal): PruneParts {
    return {
      source: this.#source,
      holds: this.#holds,
      leases: this.#leases,
      keeper: this.#keeper,
      differences: this.#differences,
      list: () => this.#backups.list(signal),
    };
  }

  /** Keeps a map from being pruned, here and by others. */
  #holdForReader(root: MapRoot): ReaderHold {
    const releaseHere = this.#holds.take(root, { writes: false });
    const { explain, release } = this.#readers.hold(root);
    return { explain, release: () => (releaseHere(), release()) };
  }

  /** One plan or prune at a time. */
  async #exclusively<T>(act: () => Promise<T>): Promise<T> {
    const before = this.#pruning;
    const work = before.then(act, act);
    this.#pruning = work;
    return work;
  }

  #rootOf(manifest: Manifest): MapRoot {
    assert(manifest.repositoryId === this.id, 'the manifest is of this repository');
    return { rootId: Buffer.from(manifest.map.rootId, 'hex'), depth: manifest.map.depth };
  }

  /** What reads one copy of the objects, and no other. */
  #copyOf(copy: number): BlockSource {
    const { store } = this.#source;
    const { copies } = store;
    if (copies === undefined) return this.#source;
    return { ...this.#source, store: must(copies[copy], `copy ${copy} of ${store.url}`) };
  }
}
