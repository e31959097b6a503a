import { sql, type Sql } from './sql.ts';

/** The words in which the two databases differ. */
export interface Words {
  /** Compares a text with a pattern without regard to the case of ASCII letters. */
  readonly like: Sql;
  /**
   * The table function that gives the `key` and `value` of each entry of a JSON object of texts.
   */
  readonly jsonEntries: Sql;
}

export const sqliteWords: Words = { like: sql`like`, jsonEntries: sql`json_each` };

export const postgresWords: Words = { like: sql`ilike`, jsonEntries: sql`jsonb_each_text` };
