import { assert } from '../base/assert.ts';
import { OperatingError, messageOf } from '../base/errors.ts';
import type { Extent } from '../base/extent.ts';
import { settleAll } from '../base/serial.ts';
import type { OnBytes } from '../layer/direct-reads.ts';
import type { MemoryRange } from '../base/memory-range.ts';
import type { Reading } from '../layer/file-operations.ts';
import type { Layer } from '../layer/layer.ts';
import type { SectorKind } from '../layer/sector.ts';
import { absent, data, sectorBytes, zero } from '../layer/sector.ts';
import type { Chain } from './chain.ts';
import { chainExtents, locateInChain, ownersOf, readChain, readChainNow } from './chain-reader.ts';
import { absentOwner, firstSlotOwner, regionSectors, zeroOwner } from './owner-map.ts';
import { RangeLocks } from './range-locks.ts';
import { SpaceReturn } from './space-return.ts';
import { UnderWay } from './under-way.ts';

/** How long after a guest has freed space a flush of our own lets it go back. */
const flushFreedMs = 10_000;

/** Hears that a change counts, or why it does not. */
type Done = (error?: unknown) => void;

/** The sectors of a write, and where it begins in them. */
interface WriteRange {
  readonly firstSector: number;
  readonly endSector: number;
  readonly offsetBytes: number;
}

/** Sectors that hold what was written, which does not count yet. */
interface Unmarked {
  readonly first: number;
  readonly end: number;
  readonly done: Done;
}

/**
 * A volume that is in use: where reads and writes meet freezes and merges. All devices of a volume
 * share one.
 *
 * Invariants:
 * - Whoever changes sectors holds their range lock, so a sector is read, completed and written back
 *   by one at a time; and ends on the head that it began on. A freeze waits for nobody: what is
 *   under way at its instant still goes into the former head, and is a part of the snapshot, which
 *   is there only when the last of that has ended. Nobody was told before the instant that such a
 *   change counts, so nothing that came after it can be in an earlier snapshot.
 * - A flush covers the head, every former head that is not durable yet, and the record that says
 *   which layer is the head.
 * - After a failed flush nothing more is acknowledged.
 */
export class LiveVolume {
  readonly chain: Chain;
  /** Everybody for whom this is kept: devices, freezes, and merges into the head. */
  users = 0;
  #lengthBytes: number;
  readonly #commit: () => Promise<void>;
  readonly #underWay = new UnderWay();
  readonly #locks = new RangeLocks();
  /** Former heads whose last writes are not known to be durable. */
  readonly #unsynced = new Set<Layer>();
  #failure: OperatingError | undefined;
  readonly #spaceReturn = new SpaceReturn(this);
  /** What was written in this turn, and is to be marked in it. */
  #unmarked: Unmarked[] = [];
  /** Requests of guests so far. */
  #requests = 0;
  #flushLater: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** `commit` makes the volume's record durable as it is when it is called. */
  constructor(chain: Chain, lengthBytes: number, commit: () => Promise<void>) {
    this.chain = chain;
    this.#lengthBytes = lengthBytes;
    this.#commit = commit;
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  get failure(): OperatingError | undefined {
    return this.#failure;
  }

  /** How many requests guests have made: while this grows, background work steps back. */
  get requests(): number {
    return this.#requests;
  }

  read(offsetBytes: number, target: Uint8Array): Promise<void> {
    this.#requests += 1;
    return readChain(this.chain, offsetBytes, target);
  }

  extents(offsetBytes: number, lengthBytes: number): Promise<Extent[]> {
    return chainExtents(this.chain, offsetBytes, lengthBytes);
  }

  /** Reads what takes no wait (`ImmediateDevice.read`). */
  readNow(offsetBytes: number, target: Uint8Array, onEnd?: OnBytes): Reading {
    const reading = readChainNow(this.chain, offsetBytes, target, onEnd);
    if (reading !== 'refused') this.#requests += 1;
    return reading;
  }

  /** Where a range lies, if memory has all of it (`ImmediateDevice.locate`). */
  locate(offsetBytes: number, lengthBytes: number): MemoryRange[] | undefined {
    const ranges = locateInChain(this.chain, offsetBytes, lengthBytes);
    if (ranges !== undefined) this.#requests += 1;
    return ranges;
  }

  /**
   * Writes whole sectors if nothing has to be waited for, and answers whether it did. They count
   * when `done` is called, for which `settleWrites` is to be called in this turn of the event loop.
   */
  writeNow(offsetBytes: number, content: Uint8Array, done: Done): boolean {
    const first = offsetBytes / sectorBytes;
    const end = first + content.byteLength / sectorBytes;
    if (!Number.isInteger(first) || !Number.isInteger(end) || this.#failure !== undefined) {
      return false;
    }
    if (!this.#locks.isFree(first, end)) return false;
    if (!this.chain.top.writeNow(offsetBytes, content)) return false;
    this.#requests += 1;
    this.#unmarked.push({ first, end, done });
    return true;
  }

  /** Lets count what `writeNow` has written in this turn. */
  settleWrites(): void {
    if (this.#unmarked.length === 0) return;
    const { chain } = this;
    const unmarked = this.#unmarked;
    this.#unmarked = [];
    if (chain.top.markNow(unmarked)) {
      const { top } = chain;
      for (const { first, end } of unmarked) chain.mark(top, first, end, chain.ownerOf(top));
      for (const { done } of unmarked) done();
      return;
    }
    // Each holds its sectors before this turn ends.
    for (const written of unmarked) void this.#markLater(written);
  }

  async write(offsetBytes: number, content: Uint8Array): Promise<void> {
    const firstSector = Math.floor(offsetBytes / sectorBytes);
    const endSector = Math.ceil((offsetBytes + content.byteLength) / sectorBytes);
    await this.#change(firstSector, endSector, (head) =>
      this.#writeLocked(head, { firstSector, endSector, offsetBytes }, content),
    );
  }

  /** Whole sectors become zeros in the map, without I/O; broken ones at the edges are written. */
  async zero(offsetBytes: number, lengthBytes: number): Promise<void> {
    const endBytes = offsetBytes + lengthBytes;
    const firstWhole = Math.ceil(offsetBytes / sectorBytes);
    const endWhole = this.#endOfWhole(endBytes);
    const firstSector = Math.floor(offsetBytes / sectorBytes);
    const endSector = Math.ceil(endBytes / sectorBytes);
    await this.#change(firstSector, endSector, async (head) => {
      if (firstWhole > endWhole) {
        await this.#zeroBroken(head, offsetBytes, endBytes);
        return;
      }
      await this.#zeroBroken(head, offsetBytes, Math.min(firstWhole * sectorBytes, endBytes));
      await this.#freeLocked(head, firstWhole, endWhole);
      await this.#zeroBroken(head, Math.max(endWhole * sectorBytes, offsetBytes), endBytes);
    });
  }

  /** Whole sectors become zeros in the map; broken ones at the edges stay as they are. */
  async trim(offsetBytes: number, lengthBytes: number): Promise<void> {
    const firstWhole = Math.ceil(offsetBytes / sectorBytes);
    const endWhole = this.#endOfWhole(offsetBytes + lengthBytes);
    if (firstWhole >= endWhole) return;
    await this.#change(firstWhole, endWhole, (head) =>
      this.#freeLocked(head, firstWhole, endWhole),
    );
  }

  /** Makes durable all that was written before. */
  async flush(): Promise<void> {
    this.assertSound();
    clearTimeout(this.#flushLater);
    this.#flushLater = undefined;
    const { top } = this.chain;
    try {
      for (const layer of this.#unsynced) await layer.flush();
      await top.flush();
      await this.#commit();
    } catch (error) {
      throw this.#fail(error);
    }
    this.returnSpace();
  }

  /** Puts a new head on the old one: what begins from now on goes there. */
  exchange(head: Layer): void {
    const old = this.chain.top;
    assert(head.record.parent === old.id, 'the new head lies on the old one');
    this.chain.push(head);
    this.noteUnsettled(old);
  }

  /** Begins to give the space that was freed durably back to the host, in the background. */
  returnSpace(): void {
    this.#spaceReturn.start();
  }

  /** Resolves when that has been done. */
  spaceReturned(): Promise<void> {
    return this.#spaceReturn.settled();
  }

  /** Ends the work in the background: the volume is about to be closed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#flushLater);
    await this.#spaceReturn.stop();
  }

  /** Notes a layer under the head that flushes are to cover. */
  noteUnsettled(layer: Layer): void {
    this.#unsynced.add(layer);
  }

  /** True for a former head whose last writes are not known to be durable. */
  hasUnsettled(layer: Layer): boolean {
    return this.#unsynced.has(layer);
  }

  /**
   * Waits for what is under way on a former head, and makes that durable; it is frozen then. So is
   * the name of the new head, by `settleNames`.
   */
  async settle(frozen: Layer, settleNames: () => Promise<void>): Promise<void> {
    await this.#underWay.ended(frozen);
    try {
      await settleAll([frozen.flush(), settleNames()]);
    } catch (error) {
      throw this.#fail(error);
    }
    this.#unsynced.delete(frozen);
    frozen.map.shrink();
  }

  /** Shows a new size, which is durable. */
  grow(lengthBytes: number): void {
    assert(lengthBytes >= this.#lengthBytes, 'a volume does not shrink');
    this.#lengthBytes = lengthBytes;
  }

  /** Runs `work` while no guest changes these sectors. */
  async exclusive(
    firstSector: number,
    endSector: number,
    work: () => Promise<void>,
  ): Promise<void> {
    const lock = this.#locks.acquire(firstSector, endSector);
    try {
      if (lock.waiting !== undefined) await lock.waiting;
      await work();
    } finally {
      this.#locks.release(lock);
    }
  }

  /** Runs `work`, with the head that it is to change, while nobody else changes these sectors. */
  async #change(first: number, end: number, work: (head: Layer) => Promise<void>): Promise<void> {
    if (first === end) return;
    this.#requests += 1;
    const lock = this.#locks.acquire(first, end);
    try {
      if (lock.waiting !== undefined) await lock.waiting;
      this.assertSound();
      const head = this.chain.top;
      this.#underWay.begin(head);
      await work(head).finally(() => this.#underWay.end(head));
      if (head.isFull) await head.makeRoom();
    } finally {
      this.#locks.release(lock);
    }
  }

  async #writeLocked(
    head: Layer,
    { firstSector, endSector, offsetBytes }: WriteRange,
    content: Uint8Array,
  ): Promise<void> {
    const isWhole =
      offsetBytes === firstSector * sectorBytes &&
      content.byteLength === (endSector - firstSector) * sectorBytes;
    const whole = isWhole
      ? content
      : await this.#complete(firstSector, endSector, offsetBytes, content);
    await head.write(firstSector * sectorBytes, whole);
    await this.#mark(head, firstSector, endSector, data);
  }

  /** The content with the bytes around it that its first and last sector need. */
  async #complete(
    firstSector: number,
    endSector: number,
    offsetBytes: number,
    content: Uint8Array,
  ): Promise<Uint8Array> {
    const startBytes = firstSector * sectorBytes;
    const whole = Buffer.allocUnsafe((endSector - firstSector) * sectorBytes);
    const lastBytes = whole.byteLength - sectorBytes;
    await readChain(this.chain, startBytes, whole.subarray(0, sectorBytes));
    if (lastBytes > 0) {
      await readChain(this.chain, startBytes + lastBytes, whole.subarray(lastBytes));
    }
    whole.set(content, offsetBytes - startBytes);
    return whole;
  }

  /** Writes zeros into a part of one sector, unless it reads as zeros anyhow. */
  async #zeroBroken(head: Layer, startBytes: number, endBytes: number): Promise<void> {
    if (startBytes >= endBytes) return;
    const firstSector = Math.floor(startBytes / sectorBytes);
    const region = Math.floor(firstSector / regionSectors);
    const owners = await ownersOf(this.chain, region);
    if (owners.at(firstSector - region * regionSectors) < firstSlotOwner) return;
    const endSector = Math.ceil(endBytes / sectorBytes);
    const range = { firstSector, endSector, offsetBytes: startBytes };
    await this.#writeLocked(head, range, Buffer.alloc(endBytes - startBytes));
  }

  /** Frees whole sectors. What reads as zeros already stays as it is. */
  async #freeLocked(head: Layer, firstSector: number, endSector: number): Promise<void> {
    for (let sector = firstSector; sector < endSector;) {
      const region = Math.floor(sector / regionSectors);
      const base = region * regionSectors;
      const end = Math.min(endSector, base + regionSectors);
      // Of these sectors, nobody changes meanwhile whether they read as zeros.
      const owners = this.chain.owners(region) ?? (await ownersOf(this.chain, region));
      while (sector < end) {
        const run = base + owners.runEnd(sector - base, end - base);
        const owner = owners.at(sector - base);
        if (owner >= firstSlotOwner) {
          await this.#mark(head, sector, run, freedKind(head));
          this.#flushFreed();
        }
        sector = run;
      }
    }
  }

  /** Space goes back only when its marks are durable, and a guest may not flush for long. */
  #flushFreed(): void {
    if (this.#flushLater !== undefined || this.#isStopped) return;
    const flush = (): void => {
      this.#flushLater = undefined;
      this.flush().catch((error: unknown) => this.chain.top.space.report(error));
    };
    this.#flushLater = setTimeout(flush, flushFreedMs).unref();
  }

  /** Marks sectors in a head and in the owner maps, in one turn. */
  #mark(head: Layer, firstSector: number, endSector: number, kind: SectorKind): Promise<void> {
    const { chain } = this;
    return head.mark(firstSector, endSector, kind, () => {
      const owner = kind === data ? chain.ownerOf(head) : kind === zero ? zeroOwner : absentOwner;
      chain.mark(head, firstSector, endSector, owner);
    });
  }

  async #markLater({ first, end, done }: Unmarked): Promise<void> {
    try {
      await this.#change(first, end, (head) => this.#mark(head, first, end, data));
    } catch (error) {
      done(error);
      return;
    }
    done();
  }

  #endOfWhole(endBytes: number): number {
    // Behind the end of the volume there is nothing to keep.
    if (endBytes === this.#lengthBytes) return Math.ceil(endBytes / sectorBytes);
    return Math.floor(endBytes / sectorBytes);
  }

  /** Throws when a flush has failed before. */
  assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fail(error: unknown): OperatingError {
    this.#failure ??=
      error instanceof OperatingError && error.code === 'io'
        ? error
        : new OperatingError('io', `A flush has failed: ${messageOf(error)}`, { cause: error });
    return this.#failure;
  }
}

/** Under the oldest layer there is nothing that a mark would have to hide. */
function freedKind(layer: Layer): SectorKind {
  return layer.record.parent === null ? absent : zero;
}
