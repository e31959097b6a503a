/**
 * The audit trail: a line for every request that changed something, or would have.
 *
 * - A line is durable when `record` resolves. Lines that arrive while others are being written go
 *   into the catalogue together.
 * - It is bounded: lines that are older than `daysMax`, and the oldest beyond `rowsMax`, go away.
 */
import type { Clock } from '../../base/clock.ts';
import { newId } from '../../base/ids.ts';
import { everyProject, type Catalog } from '../../catalog/catalog.ts';
import type { AuditRow } from '../../catalog/identity-tables.ts';
import { Turns } from '../../catalog/turns.ts';

const dayMs = 24 * 60 * 60_000;
const rowsBetweenPurges = 1000;

export type AuditLine = Omit<AuditRow, 'id' | 'createdAt'>;

export interface AuditBounds {
  readonly daysMax: number;
  readonly rowsMax: number;
}

export const defaultAuditBounds: AuditBounds = { daysMax: 90, rowsMax: 200_000 };

interface Batch {
  readonly rows: AuditRow[];
  /** Resolves when all of them are durable. */
  readonly written: Promise<void>;
}

export class AuditTrail {
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #bounds: AuditBounds;
  readonly #turns = new Turns();
  /** The lines that go into the next transaction, while another runs. */
  #next: Batch | undefined;
  #rowsUntilPurge = 0;

  constructor(parts: { catalog: Catalog; clock: Clock; bounds?: AuditBounds }) {
    this.#catalog = parts.catalog;
    this.#clock = parts.clock;
    this.#bounds = parts.bounds ?? defaultAuditBounds;
  }

  async record(line: AuditLine): Promise<void> {
    this.#next ??= this.#newBatch();
    this.#next.rows.push({ ...line, id: newId(), createdAt: this.#clock.now() });
    await this.#next.written;
  }

  /** Waits until the lines that have come are written. */
  async close(): Promise<void> {
    await this.#turns.run(() => Promise.resolve());
  }

  #newBatch(): Batch {
    const rows: AuditRow[] = [];
    const write = async (): Promise<void> => {
      this.#next = undefined;
      await this.#write(rows);
    };
    return { rows, written: this.#turns.run(write) };
  }

  async #write(rows: readonly AuditRow[]): Promise<void> {
    await this.#catalog.transact(async (transaction) => {
      for (const row of rows) await transaction.insert('audit', row);
    });
    this.#rowsUntilPurge -= rows.length;
    if (this.#rowsUntilPurge > 0) return;
    this.#rowsUntilPurge = rowsBetweenPurges;
    await this.#purge();
  }

  async #purge(): Promise<void> {
    const { daysMax, rowsMax } = this.#bounds;
    const [oldestKept] = await this.#catalog.list('audit', {
      where: { projectId: everyProject },
      sort: [{ field: 'createdAt', direction: 'desc' }],
      limit: 1,
      offset: rowsMax,
    });
    const tooOld = this.#clock.now() - daysMax * dayMs;
    const createdAt = { atMost: Math.max(tooOld, oldestKept?.createdAt ?? tooOld) };
    await this.#catalog.remove('audit', { projectId: everyProject, createdAt });
  }
}
