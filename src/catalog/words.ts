import { sql, type RawBuilder } from 'kysely';

/** The words in which the two databases differ. */
export interface Words {
  /** Compares a text with a pattern without regard to the case of ASCII letters. */
  readonly like: RawBuilder<unknown>;
  /**
   * The table function that gives the `key` and `value` of each entry of a JSON object of texts.
   */
  readonly jsonEntries: RawBuilder<unknown>;
}

export const sqliteWords: Words = { like: sql`like`, jsonEntries: sql`json_each` };

export const postgresWords: Words = { like: sql`ilike`, jsonEntries: sql`jsonb_each_text` };
