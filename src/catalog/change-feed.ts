/**
 * Tells who listens which rows have changed.
 *
 * - A change is told once it is committed, never before, and never when its transaction is undone.
 * - Changes of one transaction are told together, in the order in which they were made;
 *   transactions in the order in which they were committed.
 * - What is told is a hint to look again: it names the row, and holds nothing of it. Changes that
 *   another process makes to the same database are not told.
 */
import type { Catalog, CatalogWriter, Where } from './catalog.ts';
import { everyRow } from './every-row.ts';
import { PassingReader } from './passing-reader.ts';
import type { Row, TableName } from './tables.ts';

export interface Change {
  readonly table: TableName;
  readonly id: string;
  /** Whose row it is, where its table says so. */
  readonly projectId?: string;
  readonly kind: 'insert' | 'change' | 'remove';
}

export type ChangeListener = (changes: readonly Change[]) => void;

export interface ChangeFeed {
  /** Calls `listener` with what changes from now on, until the returned function is called. */
  subscribe(listener: ChangeListener): () => void;
}

/** The same catalogue, whose changes `feed` tells. Only what goes through it is told. */
export function watchCatalog(catalog: Catalog): { catalog: Catalog; feed: ChangeFeed } {
  const listeners = new Set<ChangeListener>();
  const tell: ChangeListener = (changes) => {
    if (changes.length === 0) return;
    for (const listener of listeners) {
      // Apart from the writer, whose change is made whatever becomes of those who hear of it.
      queueMicrotask(() => {
        if (listeners.has(listener)) listener(changes);
      });
    }
  };
  const feed: ChangeFeed = {
    subscribe(listener) {
      const own: ChangeListener = (changes) => listener(changes);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
  };
  return { catalog: new WatchedCatalog(catalog, tell), feed };
}

function changeOf<T extends TableName>(table: T, row: Row<T>, kind: Change['kind']): Change {
  const whose = 'projectId' in row ? row.projectId : null;
  return { table, id: row.id, kind, ...(whose === null ? {} : { projectId: whose }) };
}

/** Passes everything on, and adds to `made` what has changed. */
class WatchedWriter extends PassingReader implements CatalogWriter {
  readonly #writer: CatalogWriter;
  readonly #made: Change[];

  constructor(writer: CatalogWriter, made: Change[]) {
    super(writer);
    this.#writer = writer;
    this.#made = made;
  }

  async insert<T extends TableName>(table: T, row: Row<T>): Promise<void> {
    await this.#writer.insert(table, row);
    this.#made.push(changeOf(table, row, 'insert'));
  }

  async change<T extends TableName>(
    table: T,
    where: Where<T>,
    changes: Partial<Row<T>>,
  ): Promise<Row<T> | undefined> {
    const row = await this.#writer.change(table, where, changes);
    if (row !== undefined) this.#made.push(changeOf(table, row, 'change'));
    return row;
  }

  async remove<T extends TableName>(table: T, where: Where<T>): Promise<number> {
    // No removal says which rows it took.
    const going: Change[] = [];
    for await (const row of everyRow(this.#writer, table, where)) {
      going.push(changeOf(table, row, 'remove'));
    }
    const count = await this.#writer.remove(table, where);
    this.#made.push(...going);
    return count;
  }
}

class WatchedCatalog extends WatchedWriter implements Catalog {
  readonly #catalog: Catalog;
  readonly #tell: ChangeListener;

  constructor(catalog: Catalog, tell: ChangeListener) {
    super(catalog, []);
    this.#catalog = catalog;
    this.#tell = tell;
  }

  override insert<T extends TableName>(table: T, row: Row<T>): Promise<void> {
    return this.transact((transaction) => transaction.insert(table, row));
  }

  override change<T extends TableName>(
    table: T,
    where: Where<T>,
    changes: Partial<Row<T>>,
  ): Promise<Row<T> | undefined> {
    return this.transact((transaction) => transaction.change(table, where, changes));
  }

  override remove<T extends TableName>(table: T, where: Where<T>): Promise<number> {
    return this.transact((transaction) => transaction.remove(table, where));
  }

  async transact<R>(work: (transaction: CatalogWriter) => Promise<R>): Promise<R> {
    const made: Change[] = [];
    const result = await this.#catalog.transact((transaction) => {
      made.length = 0;
      return work(new WatchedWriter(transaction, made));
    });
    this.#tell(made);
    return result;
  }

  close(): Promise<void> {
    return this.#catalog.close();
  }
}
