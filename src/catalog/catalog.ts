/**
 * The catalogue: all records, and the queue of jobs.
 *
 * What an implementation must guarantee, and is tested for (`catalog-contract.ts`):
 *
 * - **Durability.** A change is durable when its promise resolves; a transaction when `transact`
 *   does.
 * - **Isolation.** Transactions behave as if they ran one after the other.
 * - **Scope.** A query of a project's table names the project, or says `everyProject`.
 * - **Bounds.** `list` returns at most `limit` rows and costs what it returns, not the table's
 *   size.
 *
 * Errors are operating errors: `exists` (an id or a unique name is there), `no_space`, `io`,
 * `unavailable`. Anything else is a programmer's mistake.
 */
import type { ProjectTables, Row, TableName } from './tables.ts';

/** Says on purpose that rows of all projects are meant. */
export const everyProject: unique symbol = Symbol('every project');

export type ProjectScope = string | typeof everyProject;

/** A condition on one field: equal to a value, one of several, or as an operator says. */
export type Condition<V> = V | readonly V[] | Operators<V>;

/** At least one; those given hold together. */
interface Operators<V> {
  readonly like?: string;
  readonly above?: V;
  readonly below?: V;
  readonly atLeast?: V;
  readonly atMost?: V;
  readonly not?: V;
}

type Fields<T extends TableName> = {
  readonly [F in keyof Row<T>]?: Condition<Row<T>[F]>;
};

type Conditions<T extends TableName> = Fields<T> & {
  /** One of these holds as well. */
  readonly anyOf?: readonly Omit<Fields<T>, 'projectId'>[];
};

/**
 * All conditions hold together. `like` is a substring, compared without regard to case in ASCII.
 * An empty list matches nothing. `metadata` compares as: every key given has the value given.
 */
export type Where<T extends TableName> = T extends keyof ProjectTables
  ? Omit<Conditions<T>, 'projectId'> & { readonly projectId: ProjectScope }
  : Conditions<T>;

export interface ListQuery<T extends TableName> {
  readonly where: Where<T>;
  /** Ties are broken by id in the direction of the last key. Default: newest first. */
  readonly sort?: readonly SortKey<T>[];
  /** 1 to 1,000 rows. */
  readonly limit: number;
  /** The last row of the page before: rows that follow it in sort order are returned. */
  readonly after?: Row<T>;
  /** Rows to pass over first; for clients that page by number. */
  readonly offset?: number;
}

export interface SortKey<T extends TableName> {
  readonly field: keyof Row<T> & string;
  readonly direction: 'asc' | 'desc';
}

export interface PickQuery<T extends TableName> {
  readonly where: Where<T>;
  readonly limit: number;
  readonly after?: string;
}

export type Picked<T extends TableName, F extends keyof Row<T>> = Pick<Row<T>, F> & {
  readonly id: string;
};

export interface TotalsQuery<T extends TableName> {
  readonly where: Where<T>;
  /** The numeric field that is summed. */
  readonly sum: keyof Row<T> & string;
  /** 1 to 1,000 totals. */
  readonly limit: number;
  /** Totals of the texts that follow this one. */
  readonly after?: string;
}

/** Rows that have one text in common, counted, and a field of them summed. */
export interface Total {
  readonly of: string;
  readonly count: number;
  readonly sum: number;
}

export interface CatalogReader {
  /** The first row that matches, or undefined. */
  find<T extends TableName>(table: T, where: Where<T>): Promise<Row<T> | undefined>;
  list<T extends TableName>(table: T, query: ListQuery<T>): Promise<Row<T>[]>;
  /**
   * Some fields of rows that match, and their ids, in the order of the ids: for going through very
   * many. At most `limit` rows, 1 to 1,000, those whose ids follow `after`.
   */
  pick<T extends TableName, F extends keyof Row<T> & string>(
    table: T,
    fields: readonly F[],
    query: PickQuery<T>,
  ): Promise<Picked<T, F>[]>;
  count<T extends TableName>(table: T, where: Where<T>): Promise<number>;
  /** The sum of a numeric field; 0 without rows. */
  sum<T extends TableName>(
    table: T,
    field: keyof Row<T> & string,
    where: Where<T>,
  ): Promise<number>;
  /** A total for each text that stands in `by`, which is never null, in the order of the texts. */
  totals<T extends TableName>(
    table: T,
    by: keyof Row<T> & string,
    query: TotalsQuery<T>,
  ): Promise<Total[]>;
}

export interface CatalogWriter extends CatalogReader {
  insert<T extends TableName>(table: T, row: Row<T>): Promise<void>;
  /**
   * Compare and swap: changes the one row that matches, and returns it as it is afterwards;
   * undefined when none matched. More than one match is an assertion.
   */
  change<T extends TableName>(
    table: T,
    where: Where<T>,
    changes: Partial<Row<T>>,
  ): Promise<Row<T> | undefined>;
  /** Removes all rows that match, and returns how many. */
  remove<T extends TableName>(table: T, where: Where<T>): Promise<number>;
}

export interface Catalog extends CatalogWriter {
  /** Runs `work` in one transaction: all of it is kept, or nothing when it rejects. */
  transact<R>(work: (transaction: CatalogWriter) => Promise<R>): Promise<R>;
  close(): Promise<void>;
}
