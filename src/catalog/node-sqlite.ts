import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { SqliteDatabase } from 'kysely';
import type { SqlConnection, SqlResult, SqlValue } from './sql.ts';

/** How many prepared statements are kept; the statements of the catalogue are fewer in practice. */
const statementCountMax = 256;

/** The catalogue's statements over `node:sqlite`, each prepared once. */
export function sqliteConnection(database: DatabaseSync): SqlConnection {
  const statements = new Map<string, Prepared>();
  return {
    async run({ text, values }) {
      const statement = statements.get(text) ?? prepare(database, text);
      // Taken out and put back, so that the first of the map is the one not used for longest.
      statements.delete(text);
      statements.set(text, statement);
      const [oldest] = statements.keys();
      if (statements.size > statementCountMax && oldest !== undefined) statements.delete(oldest);
      return statement(values);
    },
  };
}

type Prepared = (values: readonly SqlValue[]) => SqlResult;

/** Rows come as arrays, which takes half the time of objects. */
function prepare(database: DatabaseSync, text: string): Prepared {
  const statement = database.prepare(text);
  statement.setReturnArrays(true);
  if (statement.columns().length === 0) {
    return (values) => ({ rows: [], changedCount: Number(statement.run(...values).changes) });
  }
  return (values) => {
    // With arrays set, the rows are none of the objects that the declared type speaks of.
    const rows: unknown = statement.all(...values);
    return { rows: rows as SqlResult['rows'], changedCount: 0 };
  };
}

/** What Kysely's SQLite dialect asks for, for the migrations. */
export function nodeSqlite(database: DatabaseSync): SqliteDatabase {
  return {
    prepare(text) {
      const statement = database.prepare(text);
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
        run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
        iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])),
      };
    },
    close: () => database.close(),
  };
}
