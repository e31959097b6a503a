/** A range of sectors that one change holds, or waits for. */
export interface RangeLock {
  readonly firstSector: number;
  readonly endSector: number;
  /** Set while the lock is not held yet; resolves when it is. */
  waiting: Promise<void> | undefined;
}

interface Entry extends RangeLock {
  /** Earlier entries that overlap and are not released. */
  blockers: number;
  grant: (() => void) | undefined;
}

/**
 * Exclusive locks on ranges of sectors, granted in the order in which they were asked for, so that
 * nobody starves. There are few at a time: as many as requests are under way.
 */
export class RangeLocks {
  readonly #entries: Entry[] = [];

  /** Asks for a range. When `waiting` is set, it is to be awaited before the range is touched. */
  acquire(firstSector: number, endSector: number): RangeLock {
    const entry: Entry = {
      firstSector,
      endSector,
      waiting: undefined,
      blockers: 0,
      grant: undefined,
    };
    for (const other of this.#entries) {
      if (overlap(other, entry)) entry.blockers += 1;
    }
    if (entry.blockers > 0) {
      entry.waiting = new Promise((resolve) => {
        entry.grant = resolve;
      });
    }
    this.#entries.push(entry);
    return entry;
  }

  /** True when nobody holds, or waits for, a part of the range. */
  isFree(firstSector: number, endSector: number): boolean {
    for (const entry of this.#entries) {
      if (overlap(entry, { firstSector, endSector, waiting: undefined })) return false;
    }
    return true;
  }

  release(lock: RangeLock): void {
    const index = this.#entries.findIndex((entry) => entry === lock);
    this.#entries.splice(index, 1);
    for (let later = index; later < this.#entries.length; later += 1) {
      const entry = this.#entries[later];
      if (entry === undefined || !overlap(entry, lock)) continue;
      entry.blockers -= 1;
      if (entry.blockers > 0) continue;
      entry.waiting = undefined;
      entry.grant?.();
    }
  }
}

function overlap(a: RangeLock, b: RangeLock): boolean {
  return a.firstSector < b.endSector && b.firstSector < a.endSector;
}
