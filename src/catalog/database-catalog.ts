import { AsyncLocalStorage } from 'node:async_hooks';
import { assert } from '../base/assert.ts';
import type {
  Catalog,
  CatalogWriter,
  ListQuery,
  Picked,
  PickQuery,
  Total,
  TotalsQuery,
  Where,
} from './catalog.ts';
import { fromDatabaseError } from './database-errors.ts';
import type { Queries } from './queries.ts';
import type { Row, TableName } from './tables.ts';

/** What a database gives for a catalogue to be made of it. */
export interface Database {
  /** Statements outside of any transaction; they see what is committed. */
  readonly reads: Queries;
  /**
   * Runs `work` in a transaction, alone among all writers, and commits durably; rolls back when it
   * rejects.
   */
  inTransaction<R>(work: (queries: Queries) => Promise<R>): Promise<R>;
  close(): Promise<void>;
}

interface Scope {
  open: boolean;
  /**
   * Why it cannot be committed: PostgreSQL gives a transaction up with the first failed statement.
   */
  failure: { readonly error: unknown } | undefined;
}

/** A catalogue over either database. A single write is a transaction of its own. */
export class DatabaseCatalog implements Catalog {
  readonly #database: Database;
  /** The transaction in which the current call was made, if any. */
  readonly #current = new AsyncLocalStorage<Scope>();

  constructor(database: Database) {
    this.#database = database;
  }

  find<T extends TableName>(table: T, where: Where<T>): Promise<Row<T> | undefined> {
    return translated(this.#database.reads.find(table, where));
  }

  list<T extends TableName>(table: T, query: ListQuery<T>): Promise<Row<T>[]> {
    return translated(this.#database.reads.list(table, query));
  }

  pick<T extends TableName, F extends keyof Row<T> & string>(
    table: T,
    fields: readonly F[],
    query: PickQuery<T>,
  ): Promise<Picked<T, F>[]> {
    return translated(this.#database.reads.pick(table, fields, query));
  }

  count<T extends TableName>(table: T, where: Where<T>): Promise<number> {
    return translated(this.#database.reads.count(table, where));
  }

  sum<T extends TableName>(
    table: T,
    field: keyof Row<T> & string,
    where: Where<T>,
  ): Promise<number> {
    return translated(this.#database.reads.sum(table, field, where));
  }

  totals<T extends TableName>(
    table: T,
    by: keyof Row<T> & string,
    query: TotalsQuery<T>,
  ): Promise<Total[]> {
    return translated(this.#database.reads.totals(table, by, query));
  }

  insert<T extends TableName>(table: T, row: Row<T>): Promise<void> {
    return this.transact((transaction) => transaction.insert(table, row));
  }

  change<T extends TableName>(
    table: T,
    where: Where<T>,
    changes: Partial<Row<T>>,
  ): Promise<Row<T> | undefined> {
    return this.transact((transaction) => transaction.change(table, where, changes));
  }

  remove<T extends TableName>(table: T, where: Where<T>): Promise<number> {
    return this.transact((transaction) => transaction.remove(table, where));
  }

  async transact<R>(work: (transaction: CatalogWriter) => Promise<R>): Promise<R> {
    assert(
      this.#current.getStore()?.open !== true,
      'within a transaction writes go through it; others would wait for its end',
    );
    return await translated(
      this.#database.inTransaction(async (queries) => {
        const scope: Scope = { open: true, failure: undefined };
        try {
          const transaction = new Transaction(queries, scope);
          const result = await this.#current.run(scope, () => work(transaction));
          if (scope.failure !== undefined) throw scope.failure.error;
          return result;
        } finally {
          scope.open = false;
        }
      }),
    );
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

/**
 * The catalogue within one transaction. It asserts that nobody uses it after the transaction's end.
 * A statement that failed fails the transaction, even when the work goes on.
 */
class Transaction implements CatalogWriter {
  readonly #queries: Queries;
  readonly #scope: Scope;

  constructor(queries: Queries, scope: Scope) {
    this.#queries = queries;
    this.#scope = scope;
  }

  find<T extends TableName>(table: T, where: Where<T>): Promise<Row<T> | undefined> {
    return this.#run((queries) => queries.find(table, where));
  }

  list<T extends TableName>(table: T, query: ListQuery<T>): Promise<Row<T>[]> {
    return this.#run((queries) => queries.list(table, query));
  }

  pick<T extends TableName, F extends keyof Row<T> & string>(
    table: T,
    fields: readonly F[],
    query: PickQuery<T>,
  ): Promise<Picked<T, F>[]> {
    return this.#run((queries) => queries.pick(table, fields, query));
  }

  count<T extends TableName>(table: T, where: Where<T>): Promise<number> {
    return this.#run((queries) => queries.count(table, where));
  }

  sum<T extends TableName>(
    table: T,
    field: keyof Row<T> & string,
    where: Where<T>,
  ): Promise<number> {
    return this.#run((queries) => queries.sum(table, field, where));
  }

  totals<T extends TableName>(
    table: T,
    by: keyof Row<T> & string,
    query: TotalsQuery<T>,
  ): Promise<Total[]> {
    return this.#run((queries) => queries.totals(table, by, query));
  }

  insert<T extends TableName>(table: T, row: Row<T>): Promise<void> {
    return this.#run((queries) => queries.insert(table, row));
  }

  change<T extends TableName>(
    table: T,
    where: Where<T>,
    changes: Partial<Row<T>>,
  ): Promise<Row<T> | undefined> {
    return this.#run((queries) => queries.change(table, where, changes));
  }

  remove<T extends TableName>(table: T, where: Where<T>): Promise<number> {
    return this.#run((queries) => queries.remove(table, where));
  }

  async #run<R>(statement: (queries: Queries) => Promise<R>): Promise<R> {
    assert(this.#scope.open, 'a transaction is used until its end only');
    try {
      return await translated(statement(this.#queries));
    } catch (error) {
      this.#scope.failure ??= { error };
      throw error;
    }
  }
}

async function translated<R>(answer: Promise<R>): Promise<R> {
  try {
    return await answer;
  } catch (error) {
    throw fromDatabaseError(error);
  }
}
