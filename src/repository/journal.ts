/**
 * The work that a backup has done so far, in a local file, so that it can go on after a crash.
 *
 *     journal = head (32) ‖ record …
 *     head    = SHA-256 over repository id, volume length, parent's root: what it is for
 *     record  = leaf number (4, little-endian) ‖ leaf id (32) ‖ check (4)
 *
 * The check is the beginning of the SHA-256 of what precedes it. A record is appended when the leaf
 * and all its blocks are in durable packs. The file itself is never synced: what is torn or lost is
 * done again, and the first record that is wrong ends it.
 */
import { createHash } from 'node:crypto';
import { open, readFile, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { errnoOf, fromSystemError } from '../base/errors.ts';
import { idBytes } from './block.ts';

const headBytes = 32;
const checkBytes = 4;
const recordBytes = 4 + idBytes + checkBytes;

export interface JournalRecord {
  readonly leafIndex: number;
  readonly id: Uint8Array;
}

export class Journal {
  readonly #handle: FileHandle;
  /** What the file held when it was opened. */
  readonly records: readonly JournalRecord[];

  private constructor(handle: FileHandle, records: readonly JournalRecord[]) {
    this.#handle = handle;
    this.records = records;
  }

  /** Opens the journal of the work that `purpose` names; one of other work begins anew. */
  static async open(path: string, purpose: string): Promise<Journal> {
    const head = createHash('sha256').update(purpose).digest();
    try {
      const bytes = await readIfThere(path);
      const same = bytes.subarray(0, headBytes).equals(head);
      const records = same ? decodeRecords(bytes) : [];
      const whole = headBytes + records.length * recordBytes;
      await writeFile(path, same ? bytes.subarray(0, whole) : head, { mode: 0o600 });
      return new Journal(await open(path, 'a'), records);
    } catch (error) {
      throw fromSystemError(error, `the journal ${path} cannot be opened`);
    }
  }

  async append(record: JournalRecord): Promise<void> {
    const bytes = Buffer.alloc(recordBytes);
    bytes.writeUInt32LE(record.leafIndex);
    bytes.set(record.id, 4);
    bytes.set(checkOf(bytes), recordBytes - checkBytes);
    await this.#handle.appendFile(bytes);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function readIfThere(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

function decodeRecords(bytes: Buffer): JournalRecord[] {
  const records: JournalRecord[] = [];
  for (let at = headBytes; at + recordBytes <= bytes.length; at += recordBytes) {
    const record = bytes.subarray(at, at + recordBytes);
    if (!checkOf(record).equals(record.subarray(recordBytes - checkBytes))) break;
    records.push({ leafIndex: record.readUInt32LE(), id: record.subarray(4, 4 + idBytes) });
  }
  return records;
}

function checkOf(record: Buffer): Buffer {
  const content = record.subarray(0, recordBytes - checkBytes);
  return createHash('sha256').update(content).digest().subarray(0, checkBytes);
}
