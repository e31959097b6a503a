/**
 * The same catalogue, which keeps an event for each webhook in the transaction of the change that
 * it tells of: no change that was made is untold after a crash, and none that was undone is told.
 */
import type { Clock } from '../base/clock.ts';
import { newId } from '../base/ids.ts';
import type { Catalog, CatalogWriter, Where } from '../catalog/catalog.ts';
import { everyRow } from '../catalog/every-row.ts';
import { PassingReader } from '../catalog/passing-reader.ts';
import type { Row, TableName } from '../catalog/tables.ts';
import { eventOf, matters, toldTables, type Event, type ToldTable } from './event.ts';

/** Webhooks that one project may have. */
export const webhooksMax = 20;

/** A webhook of the configuration, which hears of all projects. */
export interface ConfiguredWebhook {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
  readonly events: readonly string[];
}

export interface OutboxParts {
  readonly clock: Clock;
  readonly configured: readonly ConfiguredWebhook[];
}

export function withOutbox(catalog: Catalog, parts: OutboxParts): Catalog {
  let sequence = 0;
  const next = (): number => {
    sequence = Math.max(sequence + 1, parts.clock.now() * 1000);
    return sequence;
  };
  return new OutboxCatalog(catalog, parts, next);
}

function isTold(table: TableName): table is ToldTable {
  return toldTables.some((told) => told === table);
}

class OutboxWriter extends PassingReader implements CatalogWriter {
  readonly #writer: CatalogWriter;
  readonly #parts: OutboxParts;
  readonly #next: () => number;

  constructor(writer: CatalogWriter, parts: OutboxParts, next: () => number) {
    super(writer);
    this.#writer = writer;
    this.#parts = parts;
    this.#next = next;
  }

  async insert<T extends TableName>(table: T, row: Row<T>): Promise<void> {
    await this.#writer.insert(table, row);
    if (isTold(table)) await this.#keep(eventOf(table, row as never, 'created', [], this.#now));
  }

  async change<T extends TableName>(
    table: T,
    where: Where<T>,
    changes: Partial<Row<T>>,
  ): Promise<Row<T> | undefined> {
    const row = await this.#writer.change(table, where, changes);
    const fields = Object.keys(changes);
    if (row !== undefined && isTold(table) && matters(fields)) {
      await this.#keep(eventOf(table, row as never, 'changed', fields, this.#now));
    }
    return row;
  }

  async remove<T extends TableName>(table: T, where: Where<T>): Promise<number> {
    // Runs are removed by their age, which tells nobody anything.
    if (isTold(table) && table !== 'planRuns') {
      for await (const row of everyRow(this.#writer, table, where)) {
        await this.#keep(eventOf(table, row as never, 'deleted', [], this.#now));
      }
    }
    return await this.#writer.remove(table, where);
  }

  get #now(): number {
    return this.#parts.clock.now();
  }

  async #keep(event: Event): Promise<void> {
    const { type, projectId, subjectId, body } = event;
    const own = await this.#writer.list('webhooks', { where: { projectId }, limit: webhooksMax });
    const told = [...own.filter(({ enabled }) => enabled), ...this.#parts.configured];
    for (const { id: webhookId, events } of told) {
      if (!isWanted(events, type)) continue;
      await this.#writer.insert('deliveries', {
        id: newId(),
        projectId,
        webhookId,
        sequence: this.#next(),
        subjectId,
        event: body,
        state: 'pending',
        attempts: 0,
        nextAt: this.#now,
        lastStatus: null,
        createdAt: this.#now,
        updatedAt: this.#now,
      });
    }
  }
}

/** Events are named by their whole type or its beginning: `backup`, `backup.verified`. */
function isWanted(events: readonly string[], type: string): boolean {
  return events.length === 0 || events.some((name) => type === name || type.startsWith(`${name}.`));
}

class OutboxCatalog extends OutboxWriter implements Catalog {
  readonly #catalog: Catalog;
  readonly #writerFor: (transaction: CatalogWriter) => CatalogWriter;

  constructor(catalog: Catalog, parts: OutboxParts, next: () => number) {
    super(catalog, parts, next);
    this.#catalog = catalog;
    this.#writerFor = (transaction) => new OutboxWriter(transaction, parts, next);
  }

  override insert<T extends TableName>(table: T, row: Row<T>): Promise<void> {
    if (!isTold(table)) return this.#catalog.insert(table, row);
    return this.transact((transaction) => transaction.insert(table, row));
  }

  override change<T extends TableName>(
    table: T,
    where: Where<T>,
    changes: Partial<Row<T>>,
  ): Promise<Row<T> | undefined> {
    if (!isTold(table)) return this.#catalog.change(table, where, changes);
    return this.transact((transaction) => transaction.change(table, where, changes));
  }

  override remove<T extends TableName>(table: T, where: Where<T>): Promise<number> {
    if (!isTold(table)) return this.#catalog.remove(table, where);
    return this.transact((transaction) => transaction.remove(table, where));
  }

  transact<R>(work: (transaction: CatalogWriter) => Promise<R>): Promise<R> {
    return this.#catalog.transact((transaction) => work(this.#writerFor(transaction)));
  }

  close(): Promise<void> {
    return this.#catalog.close();
  }
}
