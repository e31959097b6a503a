/** The names that types have in each database. */
export interface ColumnTypes {
  /** Ordered by the bytes of UTF-8. */
  readonly text: string;
  /** 64 bits. */
  readonly integer: string;
  readonly boolean: string;
  readonly json: string;
  /** Puts null below every value in an index, where that has to be said. */
  readonly nullsFirst: string;
}

export const sqliteTypes: ColumnTypes = {
  text: 'text',
  integer: 'integer',
  boolean: 'integer',
  json: 'text',
  nullsFirst: '',
};

export const postgresTypes: ColumnTypes = {
  text: 'text collate "C"',
  integer: 'bigint',
  boolean: 'boolean',
  json: 'jsonb',
  nullsFirst: 'nulls first',
};

/** Gives statements that end in a semicolon at the end of a line. */
export type Migration = (types: ColumnTypes) => string;
