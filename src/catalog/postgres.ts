/**
 * The catalogue in a PostgreSQL database, for several processes of Firn beside each other.
 *
 * A writing transaction first takes one advisory lock, so that writers follow one another and none
 * has to be tried again: the same promise that SQLite's one writer gives.
 */
import { CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely';
import { Pool, types, type CustomTypesConfig } from 'pg';
import type { Catalog } from './catalog.ts';
import { DatabaseCatalog } from './database-catalog.ts';
import { fromDatabaseError } from './database-errors.ts';
import { postgresTypes } from './column-types.ts';
import { migrate } from './migrate.ts';
import { Queries } from './queries.ts';
import type { SqlConnection } from './sql.ts';
import { postgresWords } from './words.ts';

const connectionCountMax = 10;
const connectTimeoutMs = 10_000;

/** The advisory lock of writers: "Firn" in ASCII. */
const writerLock = 0x4669726e;

/** 64-bit integers become numbers; of json and jsonb the catalogue reads the text by itself. */
const typeParsers: CustomTypesConfig = {
  getTypeParser: (oid, format) => {
    if (oid === types.builtins.INT8) return Number;
    if (oid === types.builtins.JSON || oid === types.builtins.JSONB) return String;
    return types.getTypeParser(oid, format);
  },
};

/**
 * Opens the catalogue in the database at `url` (`postgres://…`), and makes its tables when there
 * are none. Rejects with `unavailable` when the server does not answer, with `invalid_state` for
 * tables that a newer Firn has made.
 */
export async function openPostgresCatalog(options: { url: string }): Promise<Catalog> {
  const pool = new Pool({
    connectionString: options.url,
    max: connectionCountMax,
    connectionTimeoutMillis: connectTimeoutMs,
    types: typeParsers,
  });
  // A connection that breaks while nothing is asked of it says so to a listener. There is nothing
  // to do: the pool replaces it, and the next query of a transaction on it is answered with an
  // error.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  const transaction = <R>(work: (inside: Kysely<unknown>) => Promise<R>): Promise<R> =>
    kysely.transaction().execute(async (inside) => {
      await sql`select pg_advisory_xact_lock(${writerLock})`.execute(inside);
      return await work(inside);
    });
  try {
    await transaction((inside) => migrate('the database', postgresTypes, inside));
  } catch (error) {
    await kysely.destroy();
    throw fromDatabaseError(error);
  }
  return new DatabaseCatalog({
    reads: new Queries(connectionOver(kysely), postgresWords),
    inTransaction: (work) =>
      transaction((inside) => work(new Queries(connectionOver(inside), postgresWords))),
    close: () => kysely.destroy(),
  });
}

function connectionOver(kysely: Kysely<unknown>): SqlConnection {
  return {
    async run({ text, values }) {
      let count = 0;
      const numbered = text.replaceAll('?', () => `$${(count += 1)}`);
      const query = CompiledQuery.raw(numbered, [...values]);
      const { rows, numAffectedRows = 0n } = await kysely.executeQuery<object>(query);
      return {
        rows: rows.map((row): unknown[] => Object.values(row)),
        changedCount: Number(numAffectedRows),
      };
    },
  };
}
