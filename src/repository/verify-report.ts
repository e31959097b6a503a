import type { ByteSpan } from './reader.ts';

export type VerifyDepth = 'objects' | 'blocks';

export interface VerifyReport {
  readonly depth: VerifyDepth;
  readonly backupsChecked: number;
  /** Blocks that were looked at, each once however many backups hold it. */
  readonly blocksChecked: number;
  readonly bytesChecked: number;
  /** Every object that is damaged or lost. */
  readonly objects: readonly { readonly name: string; readonly message: string }[];
  /** Every backup that damage reaches; a damaged manifest has no ranges. */
  readonly backups: readonly DamagedBackup[];
}

export interface DamagedBackup {
  readonly backupId: string;
  readonly ranges: readonly ByteSpan[];
  readonly message: string;
}

/** Collects damage; each object is named once, with what was said of it first. */
export class DamageList {
  readonly #objects = new Map<string, string>();
  readonly #backups = new Map<string, { ranges: ByteSpan[]; message: string }>();

  addObject(name: string, message: string): void {
    if (!this.#objects.has(name)) this.#objects.set(name, message);
  }

  addBackup(backupId: string, message: string): { ranges: ByteSpan[] } {
    const known = this.#backups.get(backupId);
    if (known !== undefined) return known;
    const damaged = { ranges: [], message };
    this.#backups.set(backupId, damaged);
    return damaged;
  }

  /** Adds a range, in order, to the ranges of a backup. */
  addRange(backupId: string, range: ByteSpan, message: string): void {
    const { ranges } = this.addBackup(backupId, message);
    const last = ranges.at(-1);
    if (last === undefined || last.offsetBytes + last.lengthBytes !== range.offsetBytes) {
      ranges.push(range);
      return;
    }
    const lengthBytes = last.lengthBytes + range.lengthBytes;
    ranges[ranges.length - 1] = { offsetBytes: last.offsetBytes, lengthBytes };
  }

  /** What was found of one backup so far. */
  find(backupId: string): DamagedBackup | undefined {
    const damaged = this.#backups.get(backupId);
    return damaged === undefined ? undefined : { backupId, ...damaged };
  }

  get objectNames(): string[] {
    return [...this.#objects.keys()];
  }

  get objects(): VerifyReport['objects'] {
    return [...this.#objects].map(([name, message]) => ({ name, message }));
  }

  get backups(): DamagedBackup[] {
    return [...this.#backups].map(([backupId, damaged]) => ({ backupId, ...damaged }));
  }
}
